"""`python -m byourside`: the client for a terminal.

Exit codes: 0 done (a call followed to its end: completed), 1 the call ended otherwise, 2 a mistake in the
command or a refusal by the API, 3 the API could not be reached or the wait ran out, 130 interrupted.
"""

import argparse
import json
import os
import sys
from typing import Callable, Dict, List, Mapping, Optional, TextIO, Tuple, cast

from .client import DEFAULT_BASE_URL, Client
from .errors import ByoursideError
from .options import BASE_URL_VARIABLES, KEY_VARIABLES, parser
from .printout import Progress, call_line, result_table, wants_colour
from .records import CallRecord, Voicemail
from .stream import TURN

DONE, ENDED_OTHERWISE, REFUSED, UNREACHED, INTERRUPTED = 0, 1, 2, 3, 130


def main(
    argv: Optional[List[str]] = None,
    *,
    prog: Optional[str] = None,
    environ: Optional[Mapping[str, str]] = None,
) -> int:
    """Run one command and return its exit code. A user's mistake is one line, never a traceback."""
    env = os.environ if environ is None else environ
    _never_stumble_over_letters(sys.stdout)
    args = parser(prog).parse_args(argv)
    try:
        code = COMMANDS[args.command](_client(args, env), args)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # The reader (head, a pager) has seen enough; what is left goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except ByoursideError as error:
        _complain(f"{error.code}: {error}")
        if error.code == "network_error" and error.idempotency_key is not None:
            _complain(
                f"to try again without risking a second call: --idempotency-key {error.idempotency_key}"
            )
        return UNREACHED if error.code in ("network_error", "timeout") else REFUSED
    except (ValueError, OSError) as mistake:
        # A base URL that is none, a path that can't be written.
        _complain(str(mistake))
        return REFUSED
    except KeyboardInterrupt:
        _complain("interrupted")
        return INTERRUPTED


def _client(args: argparse.Namespace, env: Mapping[str, str]) -> Client:
    key = _first(env, KEY_VARIABLES)
    if key is None:
        raise ByoursideError("no_api_key", 0, f"Set {KEY_VARIABLES[0]} to your key; it begins with bys_ak_.")
    return Client(key, args.base_url or _first(env, BASE_URL_VARIABLES) or DEFAULT_BASE_URL)


def _first(env: Mapping[str, str], names: Tuple[str, ...]) -> Optional[str]:
    return next((env[name] for name in names if env.get(name)), None)


def _call(client: Client, args: argparse.Namespace) -> int:
    voicemail: Optional[Voicemail] = None
    if args.leave_message is not None:
        voicemail = {"action": "leave_message", "message": args.leave_message}
    placed = client.place_call(
        args.to,
        args.objective,
        context=args.context,
        fields=args.field,
        webhook_url=args.webhook_url,
        caller_id=args.caller_id,
        max_duration_sec=args.max_duration,
        language=args.language,
        voicemail=voicemail,
        scheduled_at=args.scheduled_at,
        idempotency_key=args.idempotency_key,
    )
    if args.no_wait:
        print(json.dumps(placed, indent=2) if args.json else f"{placed['callId']}  {placed['status']}")
        return DONE
    _progress_stream(args).write(f"Placed call {placed['callId']} to {args.to}\n")
    return _follow(client, placed["callId"], args)


def _watch(client: Client, args: argparse.Namespace) -> int:
    return _follow(client, args.call_id, args)


def _follow(client: Client, call_id: str, args: argparse.Namespace) -> int:
    progress = _progress(_progress_stream(args))
    try:
        record = client.wait_for_call(call_id, args.timeout, args.interval, progress.update)
    except (ByoursideError, KeyboardInterrupt):
        _complain(f"the call itself goes on; see it again with: watch {call_id}")
        raise
    if not args.json:
        print()
    _show(record, args)
    return DONE if record["status"] == "completed" else ENDED_OTHERWISE


def _listen(client: Client, args: argparse.Namespace) -> int:
    progress, last = _progress(sys.stdout), None
    for event in client.listen(args.call_id):
        if args.json:
            line = {"id": event.id, "event": event.type, "data": event.data}
            print(json.dumps(line, ensure_ascii=False), flush=True)
        elif event.type == TURN:
            progress.turn(event.data)
        else:
            progress.status(cast(CallRecord, event.data))
        last = event.data.get("status", last)
    return DONE if last == "completed" else ENDED_OTHERWISE


def _get(client: Client, args: argparse.Namespace) -> int:
    _show(client.get_call(args.call_id), args)
    return DONE


def _list(client: Client, args: argparse.Namespace) -> int:
    records = client.list_calls(args.limit, args.before, args.status)
    if args.json:
        print(json.dumps(records, indent=2))
    else:
        for record in records:
            print(call_line(record))
    if records.next_cursor is not None:
        _complain(f"older calls: --before {records.next_cursor}")
    return DONE


def _cancel(client: Client, args: argparse.Namespace) -> int:
    _show(client.cancel_call(args.call_id), args)
    return DONE


def _recording(client: Client, args: argparse.Namespace) -> int:
    path = args.path or f"{args.call_id}.wav"
    size = client.download_recording(args.call_id, path)
    print(json.dumps({"path": path, "bytes": size}) if args.json else f"{path}  {size} bytes")
    return DONE


def _show(record: CallRecord, args: argparse.Namespace) -> None:
    print(json.dumps(record, indent=2) if args.json else result_table(record))


def _progress(out: TextIO) -> Progress:
    return Progress(out, colour=wants_colour(out, os.environ))


def _progress_stream(args: argparse.Namespace) -> TextIO:
    # With --json standard output holds the JSON and nothing else.
    return sys.stderr if args.json else sys.stdout


def _complain(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")


def _never_stumble_over_letters(stream: TextIO) -> None:
    """A terminal without a letter of the transcript shows a question mark instead of a traceback."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


COMMANDS: Dict[str, Callable[[Client, argparse.Namespace], int]] = {
    "call": _call,
    "watch": _watch,
    "listen": _listen,
    "get": _get,
    "list": _list,
    "cancel": _cancel,
    "recording": _recording,
}
