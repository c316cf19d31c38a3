"""Signing in, the overview, the list of calls, and what developers need: in a real browser."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from byourside_server.calls.call import Call
from byourside_server.errors import Refusal
from tests.dashboard.house import HOLDS_ON, NUMBER, OTHER_NUMBER, PASSWORD, House


def test_signing_in_leads_to_the_page_asked_for_and_out_again(stranger: Page, finished: Call) -> None:
    stranger.goto(f"/calls/{finished.id}")
    assert stranger.url.endswith(f"/sign-in?next=%2Fcalls%2F{finished.id}")
    assert finished.request.to not in stranger.content()
    stranger.get_by_label("Password").fill("wrong")
    stranger.get_by_role("button", name="Sign in").click()
    expect(stranger.get_by_role("alert")).to_have_text("That is not the password.")
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_label("Password").press("Enter")
    expect(stranger.get_by_role("heading", level=1)).to_have_text(finished.request.to)
    stranger.get_by_role("button", name="Sign out").click()
    expect(stranger).to_have_url(re.compile("/sign-in$"))
    stranger.go_back()
    expect(stranger.get_by_label("Password")).to_be_visible()
    assert "byourside" not in [cookie["name"] for cookie in stranger.context.cookies()]


def test_signing_out_everywhere_ends_the_other_browser_too(page: Page, house: House) -> None:
    other = house.session("another browser")
    page.goto("/developers")
    page.get_by_role("button", name="Sign out everywhere").click()
    expect(page).to_have_url(re.compile("/sign-in$"))
    assert house.run(house.switchboard.office.session(other)) is None


def test_the_overview_says_the_same_in_words_as_in_bars(page: Page, finished: Call, many: list[Call]) -> None:
    page.goto("/?days=30")
    outcomes = page.get_by_role("table").filter(has_text="Completed").filter(has_text="Declined")
    expect(outcomes.get_by_role("row", name="Declined")).to_contain_text("6")
    page.get_by_text("As a table").click()
    table = page.get_by_role("region", name="as a table")
    numbers = [int(cell) for cell in table.get_by_role("cell").all_inner_texts()]
    total = page.locator(".tiles > div").first.locator("dd").inner_text()
    assert sum(numbers) == int(total.replace(",", ""))
    plot = page.get_by_role("img", name="Calls per day")
    assert plot.locator("rect").count() == sum(number > 0 for number in numbers)
    expect(page.get_by_role("row", name="Response")).to_contain_text("0.8 s")
    page.get_by_role("link", name="7 days").click()
    expect(page.get_by_role("heading", name="Calls per six hours")).to_be_visible()


def test_an_account_without_calls_is_shown_the_way(page: Page, house: House) -> None:
    house.run(house.make_account("empty rooms"))
    page.goto("/")
    page.get_by_label("Account").select_option("empty rooms")
    page.get_by_role("button", name="Switch").click()
    expect(page.get_by_role("heading", name="No calls in the last 24 hours")).to_be_visible()
    page.get_by_role("link", name="Calls", exact=True).click()
    expect(page.get_by_role("heading", name="No calls yet")).to_be_visible()


def test_another_accounts_call_is_not_there(page: Page, house: House, finished: Call) -> None:
    house.run(house.make_account("strangers"))
    page.goto("/")
    page.get_by_label("Account").select_option("strangers")
    page.get_by_role("button", name="Switch").click()
    expect(page.get_by_label("Account")).to_have_value(re.compile("acct_"))
    answer = page.goto(f"/calls/{finished.id}")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", name="Not found")).to_be_visible()


def test_calls_are_paged_without_a_gap(page: Page, finished: Call, many: list[Call]) -> None:
    page.goto("/calls?status=declined")
    assert page.locator("tbody tr").count() == 6
    page.goto("/calls")
    seen = page.locator("tbody th a").evaluate_all("links => links.map(link => link.pathname)")
    assert len(seen) == 25
    while page.get_by_role("link", name="Older calls").count():
        with page.expect_navigation():
            page.get_by_role("link", name="Older calls").click()
        seen += page.locator("tbody th a").evaluate_all("links => links.map(link => link.pathname)")
    assert len(seen) == len(set(seen))
    assert {f"/calls/{call.id}" for call in (*many, finished)} <= set(seen)


def test_calls_are_found_by_number_id_and_objective(page: Page, finished: Call, many: list[Call]) -> None:
    def found(words: str) -> int:
        return page.request.get("/calls", params={"q": words}).text().count('role="rowheader"')

    page.goto("/calls")
    page.get_by_label("Number, id or objective").fill("errand number 3")
    page.get_by_label("Status").select_option(label="Failed")
    with page.expect_navigation():
        page.get_by_role("button", name="Search").click()
    assert page.locator("tbody tr").count() == 1
    assert found("FIND A NEW TIME") == 1
    assert found(finished.id[:13]) == 1
    assert found("415 555-0144") == 6
    assert found("errand number 3") == 4
    assert found("100%_") == 0
    page.goto("/calls?q=100%25_")
    expect(page.get_by_role("heading", name="Nothing found")).to_be_visible()


def test_the_list_lives_without_being_loaded_again(page: Page, house: House) -> None:
    page.goto("/calls")
    page.evaluate("window.sameDocument = true")
    expect(page.get_by_role("status").filter(has_text="Live")).to_be_visible()
    call = house.place(HOLDS_ON, "Ask about the weather.")
    row = page.get_by_role("row").filter(has_text="Ask about the weather.")
    expect(row).to_contain_text("On the line")
    house.run(house.switchboard.cancel(house.account, call.id))
    expect(row).to_contain_text("Completed")
    assert page.evaluate("window.sameDocument")


def test_times_are_in_the_browsers_own_zone(page: Page, finished: Call) -> None:
    """The profile's zone is New York, five hours behind UTC in January."""
    page.goto(f"/calls/{finished.id}")
    time = page.locator(".facts time").first
    utc = time.get_attribute("datetime")
    assert utc is not None
    hour = (int(utc[11:13]) - 5) % 24
    assert f", {(hour + 11) % 12 + 1}:{utc[14:16]}" in time.inner_text()


def test_a_key_is_shown_once_works_and_is_revoked(page: Page, house: House) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/developers")
    page.get_by_label("Name of a new key").fill("<b>laptop</b>")
    page.get_by_role("button", name="Make a key").click()
    secret = page.locator("#new-key").inner_text()
    account, key = house.run(house.switchboard.authenticate(secret))
    assert (account.id, key.name) == (house.account.id, "<b>laptop</b>")
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.goto("/developers")
    assert secret not in page.content()
    row = page.get_by_role("row", name="<b>laptop</b>")
    row.get_by_text("Revoke", exact=False).first.click()
    row.get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("status")).to_contain_text("The key is revoked")
    expect(row).to_contain_text("Revoked")
    with pytest.raises(Refusal, match="unknown or revoked"):
        house.run(house.switchboard.authenticate(secret))


def test_the_default_caller_id_is_changed(page: Page) -> None:
    page.goto("/developers")
    page.get_by_role("row", name=OTHER_NUMBER).get_by_role("button", name="Make default").click()
    expect(page.get_by_role("row", name=OTHER_NUMBER)).to_contain_text("Default")
    page.get_by_role("row", name=NUMBER).get_by_role("button", name="Make default").click()
    expect(page.get_by_role("row", name=NUMBER)).to_contain_text("Default")


def test_the_webhook_secret_is_shown_on_demand_and_turned_over(page: Page, house: House) -> None:
    page.goto("/developers")
    before = house.run(house.switchboard.webhook_secret(house.account))
    assert before not in page.content()
    page.get_by_role("button", name="Show the secret").click()
    expect(page.locator("#the-secret")).to_have_text(before)
    page.get_by_text("Make a new secret").first.click()
    page.get_by_role("button", name="Make a new secret").click()
    expect(page.get_by_text("This is the new secret.")).to_be_visible()
    after = page.locator("#the-secret").inner_text()
    assert after == house.run(house.switchboard.webhook_secret(house.account)) != before


def test_minutes_are_shown_against_the_allowance(page: Page, finished: Call) -> None:
    page.goto("/developers")
    usage = page.locator("#usage")
    expect(usage).to_contain_text("Allowed\n1,000.0", use_inner_text=True)
    expect(usage.locator("meter")).to_have_attribute("max", "60000.0")
