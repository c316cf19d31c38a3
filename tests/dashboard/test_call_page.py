"""One call in a real browser: heard, read, followed while it runs, hung up, its webhooks sent again."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from byourside_server.calls.call import Call
from byourside_server.calls.transcript import Turn
from tests.dashboard.conftest import heard_at
from tests.dashboard.house import HOLDS_ON, HOSTILE, RINGS_ON, TURNS, House


def test_what_the_contact_said_is_text_and_nothing_else(page: Page, finished: Call) -> None:
    page.goto(f"/calls/{finished.id}")
    expect(page.locator("#turn-1 .said")).to_have_text(f"Hi there. {HOSTILE}")
    assert page.evaluate("window.hacked") is None
    assert page.locator("main img").count() == 0


def test_a_field_and_a_turn_are_heard_at_their_second(page: Page, finished: Call) -> None:
    page.goto(f"/calls/{finished.id}")
    page.get_by_role("button", name="Yes, I am coming").click()
    assert heard_at(page) == pytest.approx(8.0, abs=0.9)
    expect(page.locator("#turn-3")).to_have_class(re.compile("now"))
    page.get_by_role("button", name="Play from 0:18").click()
    assert heard_at(page) == pytest.approx(18.2, abs=0.9)
    assert page.evaluate("!document.querySelector('audio').paused")


def test_the_waveform_is_drawn_and_leads_to_its_second(page: Page, finished: Call) -> None:
    page.goto(f"/calls/{finished.id}")
    wave = page.locator(".wave[data-drawn=done]")
    for side in ("contact", "agent"):
        assert len(wave.locator(f"path.{side}").get_attribute("d") or "") > 1_000
    picture = wave.locator("svg")
    box = picture.bounding_box()
    assert box is not None
    picture.click(position={"x": box["width"] / 2, "y": 20})
    assert heard_at(page) == pytest.approx(10.0, abs=0.9)
    wave.locator("[data-turn-block='4']").click()
    assert heard_at(page) == pytest.approx(11.6, abs=0.9)


def test_turns_lie_under_the_sound_they_are(page: Page, finished: Call) -> None:
    page.goto(f"/calls/{finished.id}")
    for turn in TURNS:
        block = page.locator(f"[data-turn-block='{turn.index}']")
        assert float(block.get_attribute("x") or -1) == turn.start_ms / 20


def test_evidence_steps_callback_usage_and_times_are_told(page: Page, finished: Call) -> None:
    page.goto(f"/calls/{finished.id}")
    assert page.locator("#turn-3 mark").count() == 2
    expect(page.locator("#turn-3 mark").first).to_contain_text("Yes, I am coming")
    expect(page.get_by_role("row", name="party_size")).to_contain_text("not learnt")
    expect(page.get_by_role("row", name="Do you have any allergies?")).to_contain_text("not said")
    expect(page.get_by_role("row", name="Please bring your insurance card.")).to_contain_text("0:12 said")
    expect(page.locator(".callback")).to_contain_text("Wants to be called back: Friday")
    expect(page.get_by_text("2 requests, 1 failed")).to_contain_text("$0.0123")
    expect(page.locator("#turn-2 .speaker")).to_contain_text("after 0.7 s")
    assert page.get_by_label("Response time of each").get_by_role("listitem").count() == 4
    page.get_by_text("What each wait was made of").click()
    rows = page.get_by_role("region", name="What each wait was made of").get_by_role("row").all_inner_texts()
    assert [row.split() for row in rows[1:]] == [
        ["1", "400", "–", "250", "–", "–", "700"],
        ["2", "420", "130", "180", "130", "60", "800"],
    ]
    expect(page.get_by_text("2.4 s of silence from 0:15 on, waiting for the mind.")).to_be_visible()
    steps = [step.split("\n")[0] for step in page.locator(".timeline li").all_inner_texts()]
    assert steps[:4] == ["Accepted and queued", "Dialing", "Ringing", "Answered"]


def test_what_had_to_be_said_stands_with_the_request_too(page: Page, finished: Call) -> None:
    """Where nobody answered there is no report that could tell it."""
    page.goto(f"/calls/{finished.id}")
    request = page.get_by_role("region", name="The request")
    expect(request).to_contain_text("Please bring your insurance card.")
    expect(request).to_contain_text("Do you have any allergies?")


def test_no_number_is_broken_in_two_on_a_telephone(page: Page, finished: Call) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    try:
        page.goto(f"/calls/{finished.id}")
        page.get_by_text("What each wait was made of").click()
        numbers = page.get_by_role("region", name="What each wait was made of").locator("td.number")
        lines = "cell => { const text = document.createRange(); text.selectNodeContents(cell);"
        lines += " return text.getClientRects().length; }"
        assert [number.evaluate(lines) for number in numbers.all()] == [1] * 12
    finally:
        page.set_viewport_size({"width": 1440, "height": 900})


def test_a_webhook_is_seen_with_its_body_and_sent_again(page: Page, house: House, finished: Call) -> None:
    page.goto(f"/calls/{finished.id}")
    last = page.locator(".webhooks > li").last
    expect(last).to_contain_text("call.completed")
    expect(last).to_contain_text("HTTP 200 in 12 ms")
    last.get_by_text("Body").click()
    expect(last.locator("pre")).to_contain_text(f'"callId": "{finished.id}"')
    before = len(house.sender.sent)
    last.get_by_role("button", name="Send again").click()
    expect(page.get_by_role("status").first).to_have_text("The webhook is being sent once more.")
    page.reload()
    expect(page.locator(".webhooks > li").last).to_contain_text("sent again by hand")
    assert [sent.event for sent in house.sender.sent[before:]] == ["call.completed"]


def test_a_running_call_is_read_as_it_is_spoken_and_then_hung_up(page: Page, house: House) -> None:
    call = house.until(house.place(HOLDS_ON, "Talk for a while."), "in_progress")
    page.goto(f"/calls/{call.id}")
    page.evaluate("window.sameDocument = true")
    transcript = page.locator("[data-turns]")
    assert transcript.get_attribute("aria-live") == "polite"
    expect(page.get_by_text("Nothing has been said yet.")).to_be_visible()
    for turn in TURNS[:3]:
        house.say(call, turn)
        expect(transcript.locator(".turn").nth(turn.index)).to_contain_text(turn.text)
    first = transcript.locator(".turn").first.element_handle()
    house.say(call, Turn(3, "contact", "One moment.", 8_000, 9_000))
    expect(transcript.locator(".turn")).to_have_count(4)
    assert page.evaluate("([a, b]) => a === b", [first, transcript.locator(".turn").first.element_handle()])
    assert page.evaluate("window.sameDocument"), "nothing was loaded again"
    page.get_by_role("button", name="Hang up").click()
    expect(page.locator(".marks .badge")).to_have_text("Completed")
    expect(page.get_by_role("button", name="Hang up")).to_have_count(0)
    assert house.over(call).end_reason == "canceled"


def test_a_call_that_ends_by_itself_changes_the_page_by_itself(page: Page, house: House) -> None:
    call = house.place(RINGS_ON, "Let it ring.")
    house.until(call, "dialing")
    page.goto(f"/calls/{call.id}")
    expect(page.get_by_role("button", name="Call off")).to_be_visible()
    house.run(house.switchboard.cancel(house.account, call.id))
    expect(page.locator(".marks .badge")).to_have_text("Canceled")
    expect(page.locator("[data-live-from]")).to_be_hidden()
    expect(page.get_by_text("Nothing was said.")).to_be_visible()


def test_hanging_up_twice_says_that_it_was_over(page: Page, house: House) -> None:
    call = house.until(house.place(HOLDS_ON, "Short."), "in_progress")
    page.goto(f"/calls/{call.id}")
    proof = page.locator("input[name=proof]").first.get_attribute("value") or ""
    house.run(house.switchboard.cancel(house.account, call.id))
    house.over(call)
    origin = {"Origin": house.url}
    late = page.request.post(f"/calls/{call.id}/hang-up", form={"proof": proof}, headers=origin)
    assert "The call was over already." in late.text()


def test_a_call_without_sound_says_so_and_offers_none(page: Page, house: House, many: list[Call]) -> None:
    [silent] = [call for call in many if call.state == "no_answer"][:1]
    page.goto(f"/calls/{silent.id}")
    assert page.locator("audio").count() == 0
    expect(page.get_by_text("Nothing was said.")).to_be_visible()
    expect(page.get_by_text("This call asked for none.")).to_be_visible()
