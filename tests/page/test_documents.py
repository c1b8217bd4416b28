"""Uploading documents: offered where the service takes them, and nowhere else."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import FilePayload, Page, Route, expect

from tests.page.conftest import Visit
from tests.page.visiting import Visitor


def with_files(page: Page) -> list[dict[str, Any]]:
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
        for row in rows:
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
    expect(documents.get_by_role("listitem")).to_have_count(0)


def test_a_dropped_file_that_no_message_takes_is_uploaded(visit: Visit) -> None:
    visitor = visit()
    rows = with_files(visitor.page)
    visitor.sign_in()
    visitor.page.locator("#file").set_input_files(
        {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.4"}
    )
    expect(visitor.page.get_by_role("region", name="Documents").get_by_role("listitem")).to_contain_text("plan.pdf")
    assert len(rows) == 1
    expect(visitor.page.locator("#notice")).to_be_hidden()


def test_what_was_left_out_of_a_document_stands_beside_it(visit: Visit) -> None:
    visitor = visit()
    head = b"Subject: Lamps\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
    mail = head + b"--x\r\n\r\nLit.\r\n--x\r\nContent-Type: image/png\r\n\r\n.\r\n--x--"
    visitor.sign_in()
    visitor.page.locator("#document").set_input_files(FilePayload(name="a.eml", mimeType="", buffer=mail))
    row = visitor.page.get_by_role("region", name="Documents").get_by_role("listitem")
    expect(row).to_contain_text("ready. Attachments are not read: image/png.", timeout=20_000)
