import re
from pathlib import Path

import pytest

from infra.local.worker import (
    FunctionWorker,
    HttpRequest,
    HttpResponse,
    IndexingError,
    InvocationError,
)
from tests.local.host_rig import ECHO, loaded, write_app

TIMER = """
ran = []

@app.timer_trigger(schedule="0 */5 * * * *", arg_name="timer", run_on_startup=True)
async def sweep(timer: func.TimerRequest) -> None:
    ran.append(timer.past_due)

@app.route("ran")
async def report(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(json.dumps(ran))
"""


def route(body: str, returns: str = "func.HttpResponse") -> str:
    return f"""
@app.route("f")
async def f(req: func.HttpRequest) -> {returns}:
    {body}
"""


def request(**headers: str) -> HttpRequest:
    return HttpRequest("GET", "http://localhost/f", headers, {}, {})


async def answer(folder: Path, *functions: str, **headers: str) -> HttpResponse:
    async with loaded(write_app(folder, *functions)) as worker:
        return await worker.invoke_http(worker.function("f"), request(**headers))


async def test_functions_are_indexed_with_their_bindings(tmp_path: Path) -> None:
    async with loaded(write_app(tmp_path, ECHO, TIMER)) as worker:
        assert [function.name for function in worker.functions] == ["echo", "sweep", "report"]
        echo, sweep = worker.function("echo").trigger, worker.function("sweep").trigger
    assert (echo["type"], echo["route"]) == ("httpTrigger", "echo/{id}")
    assert echo["methods"] == ["GET", "POST", "HEAD"]
    assert (sweep["type"], sweep["schedule"]) == ("timerTrigger", "0 */5 * * * *")
    assert sweep["runOnStartup"] is True


async def test_an_app_can_be_loaded_again(tmp_path: Path) -> None:
    for _ in range(2):
        assert (await answer(tmp_path, route("return func.HttpResponse('x')"))).body == b"x"


async def test_another_folder_is_another_app(tmp_path: Path) -> None:
    for name in ("one", "two"):
        source = route(f"return func.HttpResponse('{name}')")
        assert (await answer(tmp_path / name, source)).body == name.encode()


async def test_a_response_comes_back_whole(tmp_path: Path) -> None:
    source = route(
        "return func.HttpResponse(b'\\x00', status_code=201,"
        " headers={'ETag': '\"1\"', 'Set-Cookie': 'a=1'}, mimetype='application/json')"
    )
    assert await answer(tmp_path, source) == HttpResponse(
        201, (("ETag", '"1"'), ("content-type", "application/json"), ("set-cookie", "a=1")), b"\0"
    )


async def test_a_function_may_return_text(tmp_path: Path) -> None:
    text = await answer(tmp_path, route("return 'é'", returns="str"))
    assert text == HttpResponse(200, (("content-type", "text/plain; charset=utf-8"),), "é".encode())


async def test_a_function_without_an_output_answers_no_content(tmp_path: Path) -> None:
    source = """
    @app.generic_trigger(arg_name="req", type="httpTrigger", route="f")
    async def f(req: func.HttpRequest) -> None:
        pass
    """
    assert await answer(tmp_path, source) == HttpResponse(204)


async def test_a_synchronous_function_runs_too(tmp_path: Path) -> None:
    source = route("return func.HttpResponse('sync')").replace("async def", "def")
    assert (await answer(tmp_path, source)).body == b"sync"


async def test_the_trace_of_the_caller_goes_on(tmp_path: Path) -> None:
    source = """
    @app.route("f")
    async def f(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
        return func.HttpResponse(context.trace_context.trace_parent)
    """
    assert (await answer(tmp_path, source, traceparent="00-1-2-01")).body == b"00-1-2-01"


async def test_a_timer_is_invoked(tmp_path: Path) -> None:
    async with loaded(write_app(tmp_path, TIMER)) as worker:
        await worker.invoke_timer(worker.function("sweep"))
        await worker.invoke_timer(worker.function("sweep"), past_due=True)
        ran = await worker.invoke_http(worker.function("report"), request())
    assert ran.body == b"[false, true]"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ("raise ValueError('no')", "ValueError('no')"),
        ("return {}", "unable to encode"),
        ("return None", "unable to encode"),
    ],
)
async def test_a_function_that_fails_is_named(tmp_path: Path, body: str, error: str) -> None:
    with pytest.raises(InvocationError, match=re.escape(error)) as raised:
        await answer(tmp_path, route(body))
    assert raised.value.function == "f"
    assert "Traceback" in raised.value.stack_trace


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("import no_such_module", "no_such_module"),
        ("raise RuntimeError('at import')", "RuntimeError: at import"),
        ("other = func.FunctionApp()", "More than one"),
        (route("pass") * 2, "unique"),
        (route("pass").replace("req: func.HttpRequest", "req: int"), "do not match"),
        (route("pass").replace("req: func", "x, req: func"), "declared in Python but not"),
    ],
)
async def test_what_azure_would_refuse_is_refused(tmp_path: Path, source: str, error: str) -> None:
    with pytest.raises(IndexingError, match=re.escape(error)) as raised:
        await answer(tmp_path, source)
    assert "Traceback" in raised.value.stack_trace


async def test_a_folder_without_functions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexingError, match="no functions"):
        await FunctionWorker.load(tmp_path)
