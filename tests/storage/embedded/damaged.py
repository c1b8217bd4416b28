"""What can be damaged in a data folder, and what is then left of it."""

from __future__ import annotations

from typing import Literal, NamedTuple

METADATA, SAVER, DOCUMENTS = "conversation_metadata.db", "mock-langgraph-db.db", "documents.db"
NOT_UTF8 = "CAST(x'fffe41' AS TEXT)"
HUGE = "9223372036854775807"
OF_BAD = "key >> 20 = (SELECT number FROM numbers WHERE conversation_id = :bad)"

# What a conversation says afterwards.
WHOLE = ("t1?", "t1!")
RECOVERED = (*WHOLE, "t2?", "cut")
UNANSWERED = (*WHOLE, "t2?", "")
Left = tuple[str, ...] | Literal["damaged", "unknown"]


class Case(NamedTuple):
    """A statement on a database, where `:bad` is the conversation, and what the conversation then says.

    `unknown`: it is not there for its owner. `damaged`: it is there, and cannot be read.
    """

    statement: str
    left: Left
    is_running: bool = False
    database: str = METADATA


def _conversation(change: str, left: Left = WHOLE, where: str = "id = :bad") -> Case:
    return Case(f"UPDATE conversations SET {change} WHERE {where}", left)


def _turn(change: str, left: Left) -> Case:
    return Case(f"UPDATE turns SET {change} WHERE conversation_id = :bad", left, is_running=True)


def _log(events: str, left: Left = UNANSWERED) -> Case:
    return _turn(f"""log = '[["StepStarted", {{"message_id": "m"}}], {events}]'""", left)


def _messages(message: str) -> Case:
    return _turn(f"new_messages = '[{message}]'", WHOLE)


def _saver(change: str, left: Left = "damaged", *, is_running: bool = False) -> Case:
    return Case(f"UPDATE checkpoints SET {change} WHERE thread_id = :bad", left, is_running, SAVER)


def _image(change: str) -> Case:
    return Case(f"UPDATE pictures SET {change} WHERE conversation_id = :bad", WHOLE)


CONVERSATIONS = {
    "id: none": _conversation("id = NULL", "unknown"),
    "id: a blob": _conversation("id = CAST(id AS BLOB)"),
    "id: not UTF-8": _conversation(f"id = {NOT_UTF8}", "unknown"),
    "title: a blob": _conversation("title = x'fffe'"),
    "title: not UTF-8": _conversation(f"title = {NOT_UTF8}"),
    "is_pinned: none": _conversation("is_pinned = NULL"),
    "created_at: a blob": _conversation("created_at = x'00ff'"),
    "updated_at: a word": _conversation("updated_at = 'word'"),
    "updated_at: a blob": _conversation("updated_at = x'00ff'"),
    "message_count: a word": _conversation("message_count = 'word'"),
    "message_count: below zero": _conversation("message_count = -3"),
    "message_count: zero": _conversation("message_count = 0"),
    "message_count: huge": _conversation(f"message_count = {HUGE}"),
    "message_count: too many": _conversation("message_count = 99"),
    "version: a blob": _conversation("version = x'00ff'"),
    "version: huge": _conversation(f"version = {HUGE}"),
    "deleted_at: a word": _conversation("deleted_at = 'word'"),
    "words: nothing": Case(f"DELETE FROM words WHERE {OF_BAD}", WHOLE),
    "words: a number": Case(f"UPDATE words SET text = 7 WHERE {OF_BAD}", WHOLE),
    "words: not UTF-8": Case(f"UPDATE words SET text = {NOT_UTF8} WHERE {OF_BAD}", WHOLE),
    "turn of no conversation": _turn("conversation_id = 'nowhere' || :bad", WHOLE),
    "turn_id: a blob": _turn("turn_id = x'fffe'", WHOLE),
    "turn_id: not UTF-8": _turn(f"turn_id = {NOT_UTF8}", WHOLE),
    "message_id: a blob": _turn("message_id = x'fffe'", RECOVERED),
    "owner: a blob": _turn("owner = x'fffe'", RECOVERED),
    "owner: a path": _turn("owner = '../conversation_metadata.db'", RECOVERED),
    "started_at: a word": _turn("started_at = 'word'", RECOVERED),
    "started_at: huge": _turn(f"started_at = {HUGE}", RECOVERED),
    "framing: unknown": _turn("framing = 'pigeon'", RECOVERED),
    "base_length: a word": _turn("base_length = 'two'", WHOLE),
    "base_length: below zero": _turn("base_length = -3", WHOLE),
    "base_length: huge": _turn(f"base_length = {HUGE}", RECOVERED),
    "new_count: huge": _turn(f"new_count = {HUGE}", RECOVERED),
    "new_messages: not JSON": _turn("new_messages = x'00'", WHOLE),
    "new_messages: a number": _turn("new_messages = 7", WHOLE),
    "new_messages: empty": _messages(""),
    "new_messages: no time": _messages('{"id": "a", "role": "user", "turn": "t", "parts": []}'),
    "new_messages: time huge": _messages(f'{{"id": "a", "role": "user", "turn": "t", "at": {HUGE}, "parts": []}}'),
    "new_messages: parts a number": _messages('{"id": "a", "role": "user", "turn": "t", "at": 1, "parts": 3}'),
    "new_messages: part unknown": _messages(
        '{"id": "a", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "song"}]}'
    ),
    "new_messages: text a number": _messages(
        '{"id": "a", "role": "user", "turn": "t", "at": 1, "parts": [{"type": "text", "text": 3}]}'
    ),
    "new_messages: a call's arguments a word": _messages(
        '{"id": "a", "role": "assistant", "turn": "t", "at": 1, "parts":'
        ' [{"type": "tool", "id": "c", "name": "n", "args": "x", "result": 1}]}'
    ),
    "new_messages: a data part without data": _messages(
        '{"id": "a", "role": "assistant", "turn": "t", "at": 1, "parts": [{"type": "data", "name": "n", "id": "i"}]}'
    ),
    "stop_requested: a word": _turn("stop_requested = 'word'", RECOVERED),
    "over_at: a word": _turn("over_at = 'word'", WHOLE),
    "log: not JSON": _turn("log = x'00'", UNANSWERED),
    "log: event unknown": _log('["Song", {}]'),
    "log: text a number": _log('["TextDelta", {"text": 3}]'),
    "log: a data part's id a number": _log('["DataShown", {"name": "n", "id": 3, "data": 1}]'),
    "log: usage of words": _log('["StepEnded", {"finish_reason": "stop", "usage": {"prompt": "a", "completion": 2}}]'),
    "log: a call's id a list": _log('["ToolCalled", {"call_id": [1], "name": "n", "args": {}}]'),
    "log: a call's arguments a word": _log('["ToolCalled", {"call_id": "c", "name": "n", "args": "x"}]'),
    "log: an image's token an object": _log('["PictureMade", {"token": {"a": 1}}]'),
    "checkpoint: not msgpack": _saver("checkpoint = x'c1ff00'"),
    "checkpoint: none": _saver("checkpoint = NULL"),
    "checkpoint: not msgpack, a turn runs": _saver("checkpoint = x'c1ff00'", is_running=True),
    "checkpoint's type: unknown": _saver("type = 'song'"),
    "checkpoint's metadata: not JSON": _saver("metadata = x'00'", WHOLE),
    "checkpoint: gone": Case("DELETE FROM checkpoints WHERE thread_id = :bad", (), database=SAVER),
    "image's token: a blob": _image("token = x'fffe'"),
    "image's token: a path": _image("token = '../conversation_metadata.db'"),
    "image's token: a folder": _image("token = '.'"),
    "image's token: with a NUL": _image("token = 'a' || char(0)"),
    "image's maker: a path": _image("maker = '../setup.lock'"),
    "image of no conversation": _image("conversation_id = 'nowhere'"),
}


def _file(change: str, left: bytes | None = b"content") -> tuple[str, bytes | None]:
    return f"UPDATE files SET {change} WHERE userid = :userid", left


# A statement for a user's file, and what is then left of the content.
FILES = {
    "id: a blob": _file("id = CAST(id AS BLOB)"),
    "name: a blob": _file("name = x'fffe'"),
    "name: not UTF-8": _file(f"name = {NOT_UTF8}"),
    "name: with a line's end": _file("name = 'a' || char(10) || char(0)"),
    "media_type: a blob": _file("media_type = x'fffe'"),
    "media_type: with a line's end": _file("media_type = 'text/plain' || char(10) || 'x: y'"),
    "size: a word": _file("size = 'word'", b""),
    "size: huge": _file(f"size = {HUGE}", b""),
    "digest: a number": _file("digest = 7"),
    "blob: a blob": _file("blob = x'fffe'", None),
    "blob: a path": _file("blob = '../mock-langgraph-db.db'", None),
    "blob: a folder": _file("blob = '.'", None),
    "blob: none": _file("blob = NULL", None),
    "error: a blob": _file("error = x'fffe'"),
    "created_at: a blob": _file("created_at = x'fffe'"),
    "claimed_at: a word": _file("claimed_at = 'word'"),
    "deleted_at: a word": _file("deleted_at = 'word'"),
}
