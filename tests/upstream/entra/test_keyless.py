"""The service without keys: its requests carry tokens of the identity that App Service gives it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.documents.waiting import indexed
from tests.harness.answers import chat
from tests.harness.processes import run
from tests.harness.service import Server
from tests.server.commands import run_here
from tests.upstream.entra.identity import COGNITIVE, FOUNDRY, SEARCH, GuardedEmulator, IdentityEndpoint

# Often enough for each token to be in use.
BETWEEN_TURNS = 0.2
WHO = "/subscriptions/s/providers/Microsoft.Web/sites/team, client id client-1, object id object-1"


@pytest.fixture
def identity() -> Iterator[IdentityEndpoint]:
    with IdentityEndpoint() as endpoint:
        yield endpoint


@pytest.fixture
def emulator(identity: IdentityEndpoint) -> Iterator[GuardedEmulator]:
    with GuardedEmulator(identity) as guarded:
        yield guarded


async def test_chats_images_documents_and_their_search_need_no_key(
    emulator: GuardedEmulator, identity: IdentityEndpoint, tmp_path: Path
) -> None:
    settings = emulator.keyless(search=True, image="gpt-image-1", embedding="text-embedding-3-small")
    with Server(tmp_path, settings) as server:
        async with server.client() as client:
            assert (await chat(client, {"message": "Hello"})).text
            image = await chat(client, {"message": "A red dot", "mode": "image"})
            assert "/images/" in image.text, image.lines
            await indexed(client, "plan.md", b"# Launch\n\nZephyr launches on 14 May 2031.")
            assert "14 May 2031" in (await chat(client, {"message": "What do the documents say of Zephyr?"})).text
        assert not [token for token in identity.issued if token in server.log]
    # One token for each of the two services, for all of these calls.
    assert sorted(query["resource"] for query in identity.asked) == [COGNITIVE, SEARCH]
    assert len(emulator.gate.seen) > 5
    assert f"of {WHO}, is good for 3600 s" in server.log or "is good for 3599 s" in server.log


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [pytest.param({COGNITIVE, FOUNDRY}, [COGNITIVE], marks=pytest.mark.slow), ({FOUNDRY}, [COGNITIVE, FOUNDRY])],
)
async def test_v1_takes_the_scope_that_it_accepts(
    emulator: GuardedEmulator, identity: IdentityEndpoint, tmp_path: Path, accepted: set[str], asked: list[str]
) -> None:
    emulator.gate.v1 = frozenset(accepted)
    with Server(tmp_path, emulator.keyless("v1")) as server:
        async with server.client() as client:
            for _ in range(2):
                answer = await chat(client, {"message": "Hello"})
                assert answer.text, answer.lines
    assert [query["resource"] for query in identity.asked] == asked


async def test_a_user_assigned_identity_is_asked_for_by_its_client_id(
    emulator: GuardedEmulator, identity: IdentityEndpoint, tmp_path: Path
) -> None:
    with Server(tmp_path, {**emulator.keyless(), "AZURE_CLIENT_ID": "mine"}) as server:
        async with server.client() as client:
            assert (await chat(client, {"message": "Hello"})).text
    assert identity.asked[0]["client_id"] == "mine"


@pytest.mark.slow
async def test_tokens_are_renewed_while_turns_go_on(emulator: GuardedEmulator, tmp_path: Path) -> None:
    identity = emulator.gate.identity
    identity.seconds = 3
    with Server(tmp_path, emulator.keyless()) as server:
        async with server.client() as client:
            while len(identity.issued) < 3:
                answer = await chat(client, {"message": "Hello"})
                assert answer.text, answer.lines
                await asyncio.sleep(BETWEEN_TURNS)
        # The gate refuses what has expired.
        assert "refused" not in server.log


@pytest.mark.slow
async def test_a_token_that_is_still_good_is_used_while_its_renewal_hangs(
    emulator: GuardedEmulator, tmp_path: Path
) -> None:
    identity = emulator.gate.identity
    identity.seconds = 6
    with Server(tmp_path, emulator.keyless(), app="tests.upstream.entra.impatient_app:app") as server:
        async with server.client() as client:
            assert (await chat(client, {"message": "Hello"})).text
            identity.mode = "silent"
            while len(identity.asked) < 2:
                answer = await chat(client, {"message": "Hello"})
                assert answer.text, answer.lines
                await asyncio.sleep(BETWEEN_TURNS)
            # While nobody answers the service.
            answer = await chat(client, {"message": "Hello again"})
            assert answer.text
            assert answer.values("2") == []
            # Once the token has ended there is none.
            while not (answer := await chat(client, {"message": "Hello"})).errors:
                assert answer.text
                await asyncio.sleep(BETWEEN_TURNS)
            assert "the identity's endpoint does not respond" in answer.errors[0]
            identity.mode = "token"
            assert (await chat(client, {"message": "Hello"})).text


@pytest.mark.sampled(3)
@pytest.mark.parametrize("mode", ["html", "no identity", "broken"])
async def test_an_endpoint_that_gives_no_token_is_words_for_the_operator(
    emulator: GuardedEmulator, tmp_path: Path, mode: str
) -> None:
    emulator.gate.identity.mode = mode  # type: ignore[assignment]
    with Server(tmp_path, emulator.keyless()) as server:
        async with server.client() as client:
            answer = await chat(client, {"message": "Hello"})
            assert (
                "got no access token for Azure OpenAI. The operator should check AZURE_OPENAI_AUTH" in answer.errors[0]
            )
            emulator.gate.identity.mode = "token"
            assert (await chat(client, {"message": "Hello"})).text
        assert "no token for Azure OpenAI (https://cognitiveservices.azure.com/.default): " in server.log


async def test_an_identity_without_the_role_is_named_in_the_log(emulator: GuardedEmulator, tmp_path: Path) -> None:
    emulator.gate.has_role = False
    with Server(tmp_path, emulator.keyless()) as server:
        async with server.client() as client:
            answer = await chat(client, {"message": "Hello"})
        assert 'give that identity the role "Cognitive Services OpenAI User"' in answer.errors[0]
        assert f"refused: the token of {WHO}" in server.log


async def test_a_token_of_another_audience_is_refused_in_words(emulator: GuardedEmulator, tmp_path: Path) -> None:
    emulator.gate.dated = frozenset({"https://elsewhere.example"})
    with Server(tmp_path, emulator.keyless()) as server:
        async with server.client() as client:
            answer = await chat(client, {"message": "Hello"})
    assert "refused the token of the service's identity" in answer.errors[0]
    assert len(emulator.gate.identity.asked) == 1


def test_check_says_which_identity_there_is(emulator: GuardedEmulator, tmp_path: Path) -> None:
    settings = emulator.keyless("v1", search=True, image="gpt-image-1", embedding="text-embedding-3-small")
    ran = run_here(["check"], tmp_path, {**settings, "DATA_DIR": str(tmp_path / "data")})
    assert ran.returncode == 0, ran.stdout
    assert f"works   identity (AZURE_OPENAI_AUTH = entra): has a token of {WHO}" in ran.stdout
    assert ran.stdout.count("works ") == 6


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("no role", 'the role "Cognitive Services OpenAI User"'),
        ("no role for the search", '"Search Index Data Contributor"'),
        ("no identity", "AZURE_CLIENT_ID names a user-assigned one"),
        ("html", "got no access token for Azure OpenAI"),
    ],
)
def test_check_says_what_to_do(emulator: GuardedEmulator, tmp_path: Path, mode: str, says: str) -> None:
    settings = emulator.keyless(search=mode.endswith("search"))
    match mode:
        case "no role":
            emulator.gate.has_role = False
        case "no role for the search":
            emulator.gate.identity.refused_audience = SEARCH
        case _:
            emulator.gate.identity.mode = mode  # type: ignore[assignment]
    ran = run_here(["check"], tmp_path, {**settings, "DATA_DIR": str(tmp_path / "data")})
    assert ran.returncode == 1
    failed = ran.stdout[ran.stdout.index("FAILED") :]
    assert says in failed
    if mode.startswith("no role"):
        assert WHO in failed


def test_the_package_is_imported_only_for_entra_and_a_missing_one_is_named(tmp_path: Path) -> None:
    program = """
import asyncio, sys
import mockbackend.upstream.entra as entra
assert not [name for name in sys.modules if name.partition(".")[0] in ("azure", "msal")]
# As where it is not installed.
sys.modules["azure"] = None
async def main():
    try:
        entra.AccessTokens("Azure OpenAI", entra.OPENAI_SCOPES)
    except entra.SettingsError as error:
        print(*error.problems)
asyncio.run(main())
"""
    ran = run(["azure msal", program], tmp_path, {}, module="tests.harness.unimported")
    assert ran.stdout == (
        "AZURE_OPENAI_AUTH: the package azure-identity is not installed. Start with "
        "`uv run --extra entra mockbackend serve`, or run `pip install azure-identity`\n"
    ), ran.stderr
