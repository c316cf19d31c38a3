"""The form of a new call, in a real browser: checked as it is typed, sent once."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from byourside_server.calls.call import Call, Field
from byourside_server.dashboard.call_form import CONTROL_OF_TOKEN, FieldRow, body_of, empty_form, typed
from byourside_server.dashboard.visit import Form
from byourside_server.errors import STATUS_OF_TOKEN
from tests.dashboard.house import NUMBER, OTHER_NUMBER, TALKS, House


def call_of(page: Page, house: House) -> Call:
    expect(page).to_have_url(re.compile(r"/calls/[0-9a-f-]{36}$"))
    return house.run(house.switchboard.get(house.account, page.url.rpartition("/")[2]))


def calls(house: House) -> list[str]:
    found, _ = house.run(house.switchboard.list(house.account, 100))
    return [call.id for call in found]


def test_a_full_form_becomes_the_call_it_describes(page: Page, house: House) -> None:
    page.goto("/calls/new")
    page.get_by_label("Number to call").fill(TALKS)
    page.get_by_label("Show as caller").select_option(OTHER_NUMBER)
    page.get_by_label("Objective").fill("Book a table\nfor two.")
    page.get_by_label("Context").fill("We are regulars.")
    page.get_by_label("Name").fill("booked")
    page.get_by_label("Type").select_option("boolean")
    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Name").nth(1).fill("dropped")
    page.get_by_role("button", name="Add a field").click()
    page.get_by_label("Name").nth(2).fill("price")
    page.get_by_label("Type").nth(2).select_option("number")
    page.get_by_label("What it means").nth(2).fill("Per head")
    page.get_by_role("button", name="Remove").nth(1).click()
    page.get_by_label("Must say").fill("We come at seven.\n\nThere are two of us.")
    page.get_by_label("Must ask").fill("Is there a terrace?")
    page.get_by_label("Leave a message").check()
    page.get_by_label("Message", exact=True).fill("Please call back.")
    page.get_by_label("A call screener").check()
    page.get_by_text("More", exact=True).click()
    page.get_by_label("Language").fill("en-US")
    page.get_by_label("At most, in seconds").fill("120")
    page.get_by_role("button", name="Place the call").click()
    placed = call_of(page, house).request
    assert (placed.to, placed.caller_id, placed.objective) == (TALKS, OTHER_NUMBER, "Book a table\nfor two.")
    assert placed.fields == (Field("booked", "boolean"), Field("price", "number", "Per head"))
    assert placed.must_say == ("We come at seven.", "There are two of us.")
    assert placed.must_ask == ("Is there a terrace?",)
    assert (placed.voicemail.action, placed.voicemail.message) == ("leave_message", "Please call back.")
    assert placed.hang_up_on == ("screening",)
    assert (placed.language, placed.max_duration_s, placed.context) == ("en-US", 120, "We are regulars.")


def test_a_number_is_judged_while_it_is_typed(page: Page) -> None:
    page.goto("/calls/new")
    page.get_by_label("Objective").fill("Say hello.")
    number = page.get_by_label("Number to call")
    number.fill("+1900")
    expect(page.locator("[data-trouble=to]")).to_contain_text("E.164")
    number.fill("+19001234567")
    expect(page.locator("[data-trouble=to]")).to_contain_text("may not be called")
    expect(number).to_have_attribute("aria-invalid", "true")
    number.fill(TALKS)
    expect(page.locator("[data-trouble=to]")).to_be_hidden()
    expect(page.locator("[data-place]")).to_have_text("fictional, US")
    expect(page.get_by_text("Ready to be placed.")).to_be_visible()


def test_what_nobody_has_touched_is_not_complained_about(page: Page) -> None:
    page.goto("/calls/new")
    with page.expect_response(re.compile("/calls/check")) as checked:
        page.get_by_label("Number to call").fill(TALKS)
    assert checked.value.json()["control"] == "objective"
    expect(page.locator("[data-trouble=objective]")).to_be_hidden()


def test_a_field_named_twice_is_told_at_the_fields(page: Page) -> None:
    page.goto("/calls/new")
    page.get_by_label("Number to call").fill(TALKS)
    page.get_by_label("Objective").fill("Ask.")
    page.get_by_role("button", name="Add a field").click()
    for place in (0, 1):
        page.get_by_label("Name").nth(place).fill("same")
    expect(page.locator("[data-trouble=fields]")).to_contain_text("twice")


def test_a_refused_form_comes_back_as_it_was_typed(page: Page, house: House) -> None:
    before = calls(house)
    page.goto("/calls/new")
    page.get_by_label("Number to call").fill("+447012345678")
    page.get_by_label("Objective").fill("Say <hello> & \"bye\".")
    page.get_by_role("button", name="Place the call").click()
    expect(page.locator("[data-trouble=to]")).to_be_visible()
    expect(page.get_by_label("Objective")).to_have_value("Say <hello> & \"bye\".")
    expect(page.get_by_label("Number to call")).to_be_focused()
    assert calls(house) == before


def test_a_double_click_places_one_call(page: Page, house: House) -> None:
    before = calls(house)
    page.goto("/calls/new")
    page.get_by_label("Number to call").fill(TALKS)
    page.get_by_label("Objective").fill("Ring once.")
    page.get_by_role("button", name="Place the call").dblclick()
    placed = call_of(page, house)
    assert [call_id for call_id in calls(house) if call_id not in before] == [placed.id]


def test_the_same_form_sent_again_shows_the_first_call(page: Page, house: House) -> None:
    """Two requests with one key, as a lost answer would make: the key in the form makes them one call."""
    before = calls(house)
    page.goto("/calls/new")
    page.get_by_label("Number to call").fill(TALKS)
    page.get_by_label("Objective").fill("Ring once.")
    send = """async () => {
      const body = new URLSearchParams(new FormData(document.getElementById("call-form")));
      return (await fetch("/calls/new", {method: "POST", body})).url;
    }"""
    assert page.evaluate(send) == page.evaluate(send)
    assert len(calls(house)) == len(before) + 1
    page.get_by_label("Objective").fill("Ring twice.")
    page.get_by_role("button", name="Place the call").click()
    expect(page.get_by_role("alert")).to_contain_text("was placed from this form already")
    page.get_by_role("button", name="Place the call").click()
    assert call_of(page, house).request.objective == "Ring twice."


def test_the_callers_own_key_is_nobodys(page: Page, house: House) -> None:
    key = house.run(house.switchboard.office.own_key(house.account))
    assert house.run(house.switchboard.office.own_key(house.account)) == key
    page.goto("/developers")
    assert key.last4 not in page.locator("#keys").inner_text()
    assert page.goto("/calls/new") is not None
    assert page.get_by_label("Show as caller").locator("option").first.inner_text() == f"Default ({NUMBER})"


def test_what_is_empty_is_not_sent() -> None:
    assert body_of(empty_form("k")) == {}
    form = Form({"to": [" +1 "], "mustSay": ["\n \n"], "fieldName": [""], "maxDurationSec": ["ten"]})
    assert body_of(typed(form)) == {"to": "+1", "maxDurationSec": "ten"}


def test_a_field_without_a_name_is_sent_and_refused_by_the_parser() -> None:
    form = Form({"fieldName": [""], "fieldType": ["odd"], "fieldDescription": ["how many"]})
    assert typed(form).rows == (FieldRow("", "string", "how many"),)
    assert body_of(typed(form)) == {"fields": [{"name": "", "type": "string", "description": "how many"}]}


def test_every_refusal_of_a_body_has_a_control() -> None:
    of_requests = {token for token in STATUS_OF_TOKEN if token.startswith("invalid_") or "_required" in token}
    elsewhere = {"invalid_json", "invalid_metadata", "invalid_scheduled_at", "invalid_idempotency_key"}
    assert of_requests - elsewhere <= set(CONTROL_OF_TOKEN)
