"""The page while jobs run and where something goes wrong."""

import base64
import contextlib
import hashlib
import json
import re
import socket
import threading
import urllib.request

import pytest
from kept_job import KeptJob, png
from page_work import ENDED, download, sheet_pixels, split, wait_for_layers
from playwright.sync_api import expect


def test_an_error_is_shown_well(open_page, picture):
    page = open_page(expected_errors=["status of 4"])
    whole = picture.read_bytes()
    with page.expect_response("**/v1/jobs", timeout=ENDED) as answer:
        split(page, {"name": "broken.png", "mimeType": "image/png", "buffer": whole[: len(whole) // 8]})
    card = page.get_by_role("alert").filter(has=page.locator("#problem-title"))
    expect(card).to_be_visible(timeout=ENDED)
    expect(card).to_be_focused()
    assert card.locator("h3").inner_text().strip() and card.locator("#problem-detail").inner_text().strip()
    if answer.value.status >= 400:
        said = answer.value.json()
        assert [card.locator("h3").inner_text(), card.locator("#problem-detail").inner_text()] == [
            said["title"], said["detail"]]
    assert "{" not in card.inner_text() and "undefined" not in card.inner_text()

    # What is no picture at all is not even sent.
    page.set_input_files("#file", {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"hello"})
    expect(page.locator("#file-error")).to_contain_text("notes.txt")
    split(page, picture)
    wait_for_layers(page)
    expect(page.locator("#file-error")).to_be_hidden()
    expect(card).to_be_hidden()


def test_a_key_is_asked_for_and_stays_in_the_tab(open_page, start_service, picture):
    key = "mica_" + "k" * 43
    locked = start_service(api_key_hashes=f"tester sha256:{hashlib.sha256(key.encode()).hexdigest()}")
    page = open_page(f"{locked.url}/", expected_errors=["status of 401"], is_connected=False)
    dialog = page.get_by_role("dialog", name="Access key")
    expect(dialog).to_be_visible()
    expect(page.locator("#key")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#service-text")).to_have_text("Needs an access key")

    # Without it, the refusal is explained, and asked about again.
    split(page, picture)
    page.fill("#key", "\u201cwrong\u201d")
    page.keyboard.press("Enter")
    assert "ASCII" in page.locator("#key").evaluate("(key) => key.validationMessage")
    expect(dialog).to_be_visible()
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-error")).to_have_text("The key that was used is not accepted.")
    page.fill("#key", key)
    page.keyboard.press("Enter")
    wait_for_layers(page)
    expect(dialog).to_be_hidden()
    assert download(page, "PSD, all layers").suggested_filename == "poster.psd"
    expect(page.locator("#service-text")).not_to_have_text("Needs an access key")
    kept = page.evaluate("() => [JSON.stringify(localStorage), document.cookie, Object.values({...sessionStorage})]")
    assert kept[0] == "{}" and kept[1] == "" and key in kept[2]
    assert key not in page.url + page.content()

    page.get_by_role("button", name="Access key").click()
    page.get_by_role("button", name="Forget it").click()
    assert key not in page.evaluate("() => JSON.stringify(sessionStorage)")


def test_progress_and_cancelling(open_page, picture):
    page = open_page()
    split(page, picture, steps=1000)
    bar = page.get_by_role("progressbar")
    expect(bar).to_be_visible()
    expect(page.locator("#progress-detail")).to_contain_text(re.compile(r"Step \d+ of 1000"), timeout=ENDED)
    assert 0 <= float(bar.get_attribute("value")) < 1
    expect(page.locator("#live")).to_contain_text("Making the layers")
    # A preview takes the place of the dimmed picture.
    expect(page.locator("#sheet")).not_to_have_class(re.compile("is-waiting"), timeout=ENDED)
    assert sheet_pixels(page)[..., 3].any()
    page.get_by_role("button", name="Cancel", exact=True).click()
    expect(page.locator("#problem-title")).to_have_text("Cancelled", timeout=ENDED)
    page.fill("#steps", "2")
    page.click("#submit")
    wait_for_layers(page)


def test_without_a_stream_the_job_is_asked_for(open_page, picture):
    page = open_page(expected_errors=["Failed to load resource"])
    page.route("**/events", lambda route: route.abort())
    split(page, picture)
    wait_for_layers(page)


def test_offline_is_said_and_got_over(open_page, picture):
    page = open_page(expected_errors=["ERR_INTERNET_DISCONNECTED", "Failed to load resource"])
    page.set_input_files("#file", picture)
    page.context.set_offline(True)
    expect(page.locator("#offline")).to_contain_text("You are offline")
    page.click("#submit")
    expect(page.locator("#problem-title")).to_have_text("You are offline")
    page.context.set_offline(False)
    wait_for_layers(page)
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#problem")).to_be_hidden()


def test_a_full_service_is_asked_again(open_page, picture):
    page = open_page(expected_errors=["status of 503"])
    keys = []

    def refuse_once(route):
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            return route.continue_()
        problem = {"type": "urn:mica:problem:busy", "title": "The line is full", "status": 503, "detail": "Later."}
        return route.fulfill(
            status=503, content_type="application/problem+json", headers={"Retry-After": "2"},
            body=json.dumps(problem))

    page.route("**/v1/jobs", refuse_once)
    split(page, picture)
    expect(page.locator("#problem-title")).to_have_text("The line is full")
    expect(page.locator("#problem-advice")).to_contain_text(re.compile(r"tried again in \d s"))
    wait_for_layers(page)
    # One job, however often it is sent.
    assert len(keys) == 2 and keys[0] == keys[1]


def test_a_result_that_is_gone_is_explained(open_page, picture):
    page = open_page(expected_errors=["status of 410"])
    split(page, picture)
    wait_for_layers(page)
    problem = {"type": "urn:mica:problem:gone", "title": "The result is gone", "status": 410, "detail": "It expired."}
    page.route("**/layers.psd", lambda route: route.fulfill(
        status=410, content_type="application/problem+json", body=json.dumps(problem)))
    page.click("#save-psd")
    expect(page.locator("#save-error")).to_contain_text("The result is gone. It expired. Results are kept for a time")
    expect(page.locator("#save-psd")).not_to_have_attribute("aria-busy", "true")


def test_a_layer_of_a_result_that_is_gone_is_not_split(open_page, picture):
    page = open_page(expected_errors=["status of 404"])
    split(page, picture, layers=2)
    wait_for_layers(page)
    job = page.evaluate("() => JSON.parse(sessionStorage.getItem('mica-runs'))[0].jobId")
    page.evaluate("(job) => fetch(`v1/jobs/${job}`, {method: 'DELETE'})", job)
    page.get_by_role("button", name="Split it again").click()
    expect(page.locator("#problem")).to_be_visible()
    expect(page.locator("#problem-advice")).to_contain_text("Run the picture again, and split the layer")
    expect(page.locator("#problem")).to_be_focused()
    page.get_by_role("button", name="Run the picture again").click()
    wait_for_layers(page)
    expect(page.locator(".layer")).to_have_count(2)


def test_the_time_left_counts_from_the_jobs_own_start(open_page):
    """Not from when the page first heard of it, and anew when it begins anew."""
    job = KeptJob(
        state="running", timings={"running_seconds": 100},
        progress={"stage": "denoise", "step": 6, "total": 12, "fraction": 0.5})
    page = open_page(prepare=job.prepare, expected_errors=["Failed to load resource"])
    left = page.locator("#progress-time")
    expect(left).to_have_text(re.compile(r"^about 1 min \d+ s left$"))
    # It goes by although there is no news.
    expect(left).not_to_have_text(left.inner_text())
    expect(page.locator("#progress-detail")).to_have_text("Step 7 of 12")

    job.description |= {
        "timings": {"running_seconds": 30},
        "progress": {"stage": "encode_image", "step": 0, "total": 1, "fraction": 0.12}}
    expect(page.locator("#progress-title")).to_have_text("Encoding the picture")
    expect(left).to_be_empty()
    job.description |= {"progress": {"stage": "denoise", "step": 0, "total": 12, "fraction": 0.16}}
    expect(page.locator("#progress-detail")).to_have_text("Step 1 of 12")
    expect(left).to_be_empty()
    job.description |= {"progress": {"stage": "denoise", "step": 1, "total": 12, "fraction": 0.22}}
    expect(left).to_have_text(re.compile(r"^about 1 min \d+ s left$"))

    # Nobody knows what becomes of a job whose service is away.
    job.is_reachable = False
    page.route("**/readyz", lambda route: route.abort())
    expect(page.locator("#progress-detail")).to_have_text("No connection; the job may go on without it.")
    expect(left).to_be_empty()
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.locator("#offline")).to_contain_text("Jobs may go on")
    job.is_reachable = True
    expect(page.locator("#progress-detail")).to_have_text("Step 2 of 12")


@pytest.mark.parametrize("layers", [1, 4])
def test_a_reload_shows_the_newest_run(open_page, layers):
    page = open_page(prepare=KeptJob(layers).prepare)
    wait_for_layers(page)
    expect(page.locator("#empty")).to_be_hidden()
    expect(page.locator(".run[aria-current]")).to_contain_text(f"{layers} layer{'s' if layers > 1 else ''}, seed 7")
    # What cannot be done says why.
    expect(page.locator("input[value=compare]")).to_be_disabled()
    for control in (page.locator("label", has_text="Compare"), page.locator("#again")):
        assert "not kept when the page is loaded again" in control.get_attribute("title")


def test_a_reload_shows_what_a_running_job_is_at(open_page):
    """At once, and not with its next word: the stage that it is at, and what is left of its picture."""
    job = KeptJob(state="running", timings={"running_seconds": 20},
                  progress={"stage": "denoise", "step": 3, "total": 8, "fraction": 0.4})
    job.thumb = "data:image/png;base64," + base64.b64encode(png((0, 0, 120, 80), (200, 40, 40))).decode()
    page = open_page(prepare=job.prepare)
    expect(page.locator("#progress-title")).to_have_text("Making the layers")
    expect(page.locator("#progress-detail")).to_have_text("Step 4 of 8")
    expect(page.locator("#frame")).to_be_visible()
    expect(page.locator("#sheet")).to_have_class(re.compile("is-waiting"))
    assert (sheet_pixels(page)[40, 60] == (200, 40, 40, 255)).all()


def test_the_page_says_of_the_service_what_its_run_says(open_page):
    """At once, and not when it is looked after the service the next time."""
    job = KeptJob(state="running", progress={"stage": "denoise", "step": 3, "total": 8, "fraction": 0.4})
    page = open_page(prepare=job.prepare, expected_errors=["Failed to load resource"])
    page.route("**/readyz", lambda route: route.continue_() if job.is_reachable else route.abort())
    expect(page.locator("#progress-detail")).to_have_text("Step 4 of 8")
    job.is_reachable = False
    expect(page.locator("#progress-detail")).to_have_text("No connection; the job may go on without it.")
    expect(page.locator("#service-text")).to_have_text("No connection", timeout=3_000)
    expect(page.locator("#offline")).to_be_visible()
    job.is_reachable = True
    expect(page.locator("#progress-detail")).to_have_text("Step 4 of 8")
    expect(page.locator("#offline")).to_be_hidden(timeout=3_000)
    expect(page.locator("#service-text")).to_have_text("seedling")


def test_a_run_begun_while_the_page_connects_joins_those_of_before(open_page, picture):
    page = open_page()
    split(page, picture)
    wait_for_layers(page)
    held = []
    page.route("**/v1/models", lambda route: held.append(route))
    page.reload()
    expect(page.locator("#runs .run")).to_have_count(1)
    split(page, picture)
    expect(page.locator("#runs .run")).to_have_count(2)
    for route in held:
        route.continue_()
    expect(page.locator("#service-text")).to_have_text("seedling")
    expect(page.locator("#runs .run")).to_have_count(2)


def test_the_page_recovers_from_a_proxy_that_could_not_reach_the_service(open_page):
    asked = re.compile(r"/(v1/models|readyz)$")
    page = open_page(expected_errors=["502"], is_connected=False, prepare=lambda page: page.route(
        asked, lambda route: route.fulfill(status=502, body="Bad gateway")))
    expect(page.locator("#offline")).to_contain_text("does not answer")
    page.unroute(asked)
    expect(page.locator("#service-text")).to_have_text("seedling")
    expect(page.locator("#offline")).to_be_hidden()
    expect(page.locator("#layers")).not_to_have_value("")


class LateAnswers:
    """
    Stands before a service and holds its answers to new jobs back until `released` is set; with `loses_answers` they
    are lost instead, and nobody is there any more until `is_down` is false again.
    """

    def __init__(self, port, loses_answers=False):
        self.port = port
        self.loses_answers = loses_answers
        self.is_down = False
        self.released = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                if self.is_down:
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self.port))
                asked = []
                threading.Thread(target=self.pump, args=(client, server, asked, False), daemon=True).start()
                threading.Thread(target=self.pump, args=(server, client, asked, True), daemon=True).start()

    def pump(self, source, target, asked, is_answer):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not is_answer and data.startswith((b"GET ", b"POST /v1/jobs ", b"DELETE ")):
                    asked[:] = [data[:4]]
                if is_answer and asked == [b"POST"] and self.loses_answers:
                    self.is_down = True
                if self.is_down:
                    break
                if is_answer and asked == [b"POST"]:
                    self.released.wait(60)
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR if self.is_down else socket.SHUT_WR)
            if self.is_down:
                source.shutdown(socket.SHUT_RDWR)


# A browser tells of an upload's progress every now and then, and may not have when a person cancels.
SILENT_UPLOADS = """for (const name of ['onload', 'onprogress']) {
    Object.defineProperty(XMLHttpRequestUpload.prototype, name, { set() {} });
}"""


@pytest.mark.parametrize("is_told", [True, False])
def test_cancelling_before_the_answer_stops_the_job(open_page, service, picture, is_told):
    late = LateAnswers(service.port)
    page = open_page(late.url, prepare=lambda page: None if is_told else page.add_init_script(SILENT_UPLOADS))
    removed = []
    page.on("request", lambda request: request.method == "DELETE" and removed.append(request.url))
    split(page, picture, steps=1000)
    if is_told:
        expect(page.locator("#progress-detail")).to_have_text("100 %")
    else:
        expect(page.locator("#progress-title")).to_be_visible()
    page.click("#cancel")
    expect(page.locator("#progress-title")).to_have_text("Cancelling")
    late.released.set()
    expect(page.locator("#problem-title")).to_have_text("Cancelled", timeout=ENDED)
    assert len(removed) == 1
    late.listener.close()


def test_cancelling_goes_on_while_nobody_answers(open_page, service, picture):
    """The whole upload was sent and its answer lost: the job may be there."""
    late = LateAnswers(service.port, loses_answers=True)
    page = open_page(late.url, expected_errors=["ERR_"])
    split(page, picture, steps=1000)
    actions = page.locator("#problem-actions button")
    expect(actions).to_have_text(["Try again", "Cancel"])
    actions.last.click()
    expect(actions).to_have_text(["Try again", "Stop trying"])
    expect(page.locator("#problem-advice")).to_contain_text("The job is cancelled as soon as the service answers")
    expect(page.locator(".run-state")).to_have_text("cancelling")
    actions.first.click()
    expect(actions).to_have_text(["Try again", "Stop trying"])
    job = newest_job(service)
    assert job["state"] in ("queued", "running") and not job["cancelling"]

    late.loses_answers = late.is_down = False
    late.released.set()
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.locator("#problem-title")).to_have_text("Cancelled", timeout=ENDED)
    expect(page.locator("#problem-detail")).to_have_text("This job was stopped. Nothing of it is kept.")
    # One job, however often it was sent.
    assert newest_job(service)["id"] == job["id"]
    late.listener.close()


def newest_job(service):
    with urllib.request.urlopen(service.url + "/v1/jobs?limit=1") as answer:
        [job] = json.load(answer)["jobs"]
    return job


def test_a_job_is_cancelled_when_the_connection_is_back(open_page):
    job = KeptJob(
        state="running", timings={"running_seconds": 1},
        progress={"stage": "denoise", "step": 1, "total": 12, "fraction": 0.1})
    page = open_page(prepare=job.prepare, expected_errors=["Failed to load resource"])
    expect(page.locator("#progress-detail")).to_have_text("Step 2 of 12")
    job.is_reachable = False
    page.click("#cancel")
    expect(page.locator("#progress-detail")).to_have_text("It is cancelled as soon as the service answers.")
    expect(page.locator("#progress-title")).to_have_text("Cancelling")
    expect(page.locator("#progress-time")).to_be_empty()
    job.is_reachable = True
    expect(page.locator("#problem-title")).to_have_text("Cancelled")
    assert job.removals == 1
