"""Uploading documents: offered where the service takes them, and nowhere else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from playwright.sync_api import FilePayload, Page, Request, Route, expect

from tests.documents.sample_files import pdf
from tests.page.conftest import Visit
from tests.page.visiting import Visitor


def with_files(page: Page, *, reads_at_once: bool = True) -> list[dict[str, Any]]:
    """Stand in for a service whose files take their time; gives the rows that it holds."""
    rows: list[dict[str, Any]] = []

    def files(route: Route) -> None:
        if route.request.method == "POST":
            assert route.request.headers["authorization"].startswith("Basic ")
            row = {
                "id": str(len(rows)),
                "name": "plan.pdf",
                "status": "embedding",
                "done": 1,
                "total": 4,
                "error": None,
            }
            rows.append(row)
            route.fulfill(status=202, json=[row])
            return
        route.fulfill(json=rows)
        for row in rows if reads_at_once else ():
            row["status"] = "ready"

    def file(route: Route) -> None:
        rows[:] = [row for row in rows if not route.request.url.endswith(row["id"])]
        route.fulfill(status=204)

    page.route("**/files", files)
    page.route("**/files/*", file)
    return rows


def test_no_upload_is_offered_where_the_service_takes_no_files(visit: Visit) -> None:
    visitor = visit()
    visitor.page.route("**/openapi.json", lambda route: route.fulfill(json={"paths": {}}))
    visitor.sign_in()
    expect(visitor.page.get_by_role("region", name="Documents")).to_be_hidden()
    visitor.page.locator("#file").set_input_files({"name": "a.bin", "mimeType": "", "buffer": b"\0\xff"})
    expect(visitor.page.locator("#notice")).to_contain_text("a.bin cannot be attached")


PLAN = FilePayload(name="plan.md", mimeType="text/markdown", buffer=b"# Launch\n\nZephyr launches on 14 May 2031.")


def held(page: Page, url: str) -> list[Route]:
    """Hold the first request to an address; gives it, to be let go on."""
    routes: list[Route] = []
    page.route(url, lambda route: route.fallback() if routes else routes.append(route))
    return routes


def test_a_document_chosen_before_the_page_knows_whether_the_service_takes_any_is_uploaded(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    offer = held(page, "**/openapi.json")
    visitor.sign_in()
    page.locator("#document").set_input_files(PLAN)
    offer[0].continue_()
    expect(page.get_by_role("region", name="Documents").get_by_role("listitem")).to_contain_text("ready")


def test_an_old_list_of_documents_that_comes_late_takes_none_away(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    lists = held(page, "**/files")
    visitor.sign_in()
    expect(page.get_by_role("region", name="Documents")).to_be_visible()
    page.locator("#document").set_input_files(PLAN)
    expect(page.get_by_role("region", name="Documents").get_by_role("listitem")).to_contain_text("ready")
    with page.expect_response("**/files"):
        lists[0].fulfill(json=[])
    expect(page.get_by_role("region", name="Documents").get_by_role("listitem")).to_contain_text("plan.md")


def test_an_answer_from_an_uploaded_document_names_it_as_a_source(visitor: Visitor) -> None:
    page = visitor.page
    documents = page.get_by_role("region", name="Documents")
    page.locator("#document").set_input_files(PLAN)
    expect(documents.get_by_role("listitem")).to_contain_text("ready")
    visitor.ask("What do the documents say of Zephyr?")
    expect(page.get_by_role("region", name="Sources")).to_contain_text("plan.md, Launch")
    with page.expect_download() as saved:
        visitor.button("plan.md, Launch").click()
    assert saved.value.path().read_bytes().startswith(b"# Launch")
    visitor.button("Delete plan.md").click()
    visitor.button("Delete", page.get_by_role("dialog")).click()
    expect(documents.get_by_role("listitem")).to_have_count(0)


def test_a_document_is_uploaded_indexed_and_deleted(visit: Visit) -> None:
    visitor = visit()
    with_files(visitor.page)
    visitor.sign_in()
    documents = visitor.page.get_by_role("region", name="Documents")
    expect(documents).to_be_visible()
    visitor.page.locator("#document").set_input_files(
        {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    )
    expect(documents.get_by_role("progressbar")).to_have_attribute("value", "0.25")
    expect(documents.get_by_role("listitem")).to_contain_text("ready")
    expect(documents.get_by_role("progressbar")).to_have_count(0)
    visitor.button("Delete plan.pdf").click()
    dialog = visitor.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Delete “plan.pdf”?")
    visitor.button("Cancel", dialog).click()
    expect(documents.get_by_role("listitem")).to_have_count(1)
    visitor.button("Delete plan.pdf").click()
    visitor.button("Delete", dialog).click()
    expect(documents.get_by_role("listitem")).to_have_count(0)


def body_of(request: Request) -> dict[str, Any]:
    """The JSON that was sent."""
    body: dict[str, Any] = json.loads(request.post_data or "")
    return body


PASTE = """([event, key, name, bytes]) => {
    const data = new DataTransfer();
    data.items.add(new File([new Uint8Array(bytes)], name, {type: "application/pdf"}));
    const made = event === "drop"
        ? new DragEvent(event, {[key]: data, bubbles: true, cancelable: true})
        : new ClipboardEvent(event, {[key]: data, bubbles: true, cancelable: true});
    document.getElementById("message").dispatchEvent(made);
}"""


def test_a_document_in_the_composer_goes_with_the_message(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.page
    strip = page.locator("#attached")
    zephyr, boreas = (
        list(pdf(tmp_path / f"{name}.pdf", [f"{name} launches in May."]).read_bytes()) for name in ("Zephyr", "Boreas")
    )
    page.evaluate(PASTE, ["paste", "clipboardData", "zephyr.pdf", zephyr])
    expect(strip.get_by_role("listitem")).to_contain_text("zephyr.pdf")
    expect(strip.get_by_role("listitem")).to_contain_text("ready")
    page.evaluate(PASTE, ["drop", "dataTransfer", "boreas.pdf", boreas])
    expect(strip.get_by_role("listitem").filter(has_text="boreas.pdf")).to_contain_text("ready")
    # It is taken off the message, and stays a document.
    visitor.button("Remove boreas.pdf").click()
    expect(page.get_by_role("region", name="Documents").get_by_role("listitem")).to_have_count(2)
    # What is attached is part of the draft.
    page.reload()
    expect(strip.get_by_role("listitem")).to_contain_text("ready")
    visitor.box.fill("What do the documents say of the launches?")
    with page.expect_request("**/chat*") as asked:
        visitor.box.press("Enter")
    visitor.over()
    assert len(body_of(asked.value)["file_ids"]) == 1
    expect(visitor.questions).to_contain_text("zephyr.pdf")
    expect(page.get_by_role("region", name="Sources")).to_contain_text("zephyr.pdf")
    expect(page.get_by_role("region", name="Sources")).not_to_contain_text("boreas.pdf")
    expect(strip).to_be_hidden()
    # It stays with its message, and is asked again with it until it is deleted.
    page.reload()
    expect(visitor.questions).to_contain_text("zephyr.pdf")
    with page.expect_request("**/chat*") as again:
        visitor.button("Answer again", visitor.answers.first).click()
    visitor.over()
    assert body_of(again.value)["file_ids"] == body_of(asked.value)["file_ids"]
    visitor.button("Delete zephyr.pdf").click()
    visitor.button("Delete", page.get_by_role("dialog")).click()
    visitor.button("Answer again", visitor.answers.first).click()
    visitor.over()
    expect(visitor.answers).not_to_contain_text("file_ids")
    expect(page.get_by_role("region", name="Sources")).to_be_hidden()
    visitor.forgive_failed_loads()
    with page.expect_request("**/chat*") as other:
        visitor.ask("And now?")
    assert "file_ids" not in body_of(other.value)


SCAN = FilePayload(name="plan.pdf", mimeType="application/pdf", buffer=b"%PDF-1.4")


def test_a_message_goes_by_itself_once_its_document_is_read(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    rows = with_files(page, reads_at_once=False)
    visitor.sign_in()
    expect(page.get_by_role("region", name="Documents")).to_be_visible()
    upload = held(page, "**/files")
    page.locator("#file").set_input_files(SCAN)
    visitor.box.fill("What is planned?")
    visitor.box.press("Enter")
    expect(page.locator("#later")).to_contain_text("This message is sent once plan.pdf has been uploaded.")
    upload[0].fallback()
    expect(page.locator("#later")).to_contain_text("This message is sent once plan.pdf has been read.")
    chip = page.locator("#attached").get_by_role("listitem")
    expect(chip.get_by_role("progressbar", name="plan.pdf: being read")).to_have_attribute("value", "0.25")
    expect(visitor.questions).to_have_count(0)
    # It can be kept from going, by the button or by a change of its words, and is due after a reload.
    visitor.button("Don’t send").click()
    expect(page.locator("#later")).to_be_hidden()
    visitor.box.press("Enter")
    expect(visitor.spoken).to_have_text("This message is sent once plan.pdf has been read.")
    visitor.box.press_sequentially("!")
    expect(page.locator("#later")).to_be_hidden()
    visitor.box.press("Enter")
    page.reload()
    expect(visitor.box).to_have_value("What is planned?!")
    rows[0]["status"] = "ready"
    # The stand-in's file is unknown to the server.
    expect(visitor.questions).to_contain_text("What is planned?!")
    expect(visitor.questions).to_contain_text("plan.pdf")
    expect(visitor.answers).to_contain_text("there is no file with this id")
    expect(visitor.box).to_have_value("")
    visitor.forgive_failed_loads()


def test_a_message_whose_document_fails_or_is_lost_does_not_go_without_it(visit: Visit) -> None:
    visitor = visit()
    page = visitor.page
    rows = with_files(page, reads_at_once=False)
    visitor.sign_in()
    page.locator("#file").set_input_files(SCAN)
    expect(page.locator("#attached")).to_contain_text("being read")
    visitor.box.fill("What is planned?")
    visitor.box.press("Enter")
    rows[0].update(status="failed", error="It is damaged.")
    expect(page.locator("#notice")).to_contain_text("plan.pdf cannot be read. It is damaged.")
    expect(page.locator("#later")).to_be_hidden()
    expect(visitor.box).to_have_value("What is planned?")
    held(page, "**/files")
    page.locator("#file").set_input_files(SCAN)
    visitor.box.press("Enter")
    expect(page.locator("#later")).to_contain_text("This message is sent once plan.pdf has been uploaded.")
    page.reload()
    expect(page.locator("#notice")).to_contain_text("Not uploaded: plan.pdf.")
    expect(visitor.box).to_have_value("What is planned?")
    expect(page.locator("#later")).to_be_hidden()
    expect(visitor.questions).to_have_count(0)


def test_many_documents_leave_the_conversations_their_room(visit: Visit) -> None:
    visitor = visit(740, 360)
    rows = [
        {"id": str(n), "name": f"plan {n}.pdf", "status": "ready", "done": 1, "total": 1, "error": None, "notice": None}
        for n in range(17)
    ]
    visitor.page.route("**/files", lambda route: route.fulfill(json=rows))
    visitor.sign_in()
    visitor.ask("Hello")
    visitor.button("Conversations").click()
    fold = visitor.button("Documents 17")
    expect(fold).to_have_attribute("aria-expanded", "false")
    expect(visitor.button("Delete plan 0.pdf")).to_have_count(0)
    expect(visitor.button("Sign out")).to_be_in_viewport(ratio=1)
    fold.click()
    expect(visitor.button("Delete plan 0.pdf")).to_be_in_viewport(ratio=0.9)
    for needed in (visitor.listed, fold, visitor.button("New conversation")):
        expect(needed).to_be_in_viewport(ratio=1)
    list_height = visitor.page.locator("#list").evaluate("node => node.clientHeight")
    assert list_height >= 80, list_height
    visitor.page.set_viewport_size({"width": 1280, "height": 800})
    expect(fold).to_have_attribute("aria-expanded", "true")
    expect(visitor.button("Delete plan 0.pdf")).to_be_in_viewport()
    fold.click()
    visitor.page.reload()
    expect(fold).to_have_attribute("aria-expanded", "false")


def test_what_was_left_out_of_a_document_stands_beside_it(visit: Visit) -> None:
    visitor = visit()
    head = b"Subject: Lamps\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    mail = head + b"--x\r\n\r\nLit.\r\n--x\r\nContent-Type: image/png\r\n\r\n.\r\n--x--"
    visitor.sign_in()
    visitor.page.locator("#document").set_input_files(FilePayload(name="a.eml", mimeType="", buffer=mail))
    row = visitor.page.get_by_role("region", name="Documents").get_by_role("listitem")
    expect(row).to_contain_text("ready. Attachments are not read: image/png.", timeout=20_000)
