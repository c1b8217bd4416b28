"""Images in both shapes, and what their URLs answer."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image

from tests.emulator.conftest import Emulate
from tests.harness.emulator import Emulator
from tests.harness.http_client import PLAIN

GONE = (404, "text/plain; charset=utf-8")


async def image(served: Emulator, deployment: str, **body: Any) -> Any:
    response = await served.post(
        "images/generations", deployment, {"prompt": "a red fox", **body}, "2025-04-01-preview"
    )
    return response.json()


def decode(encoded: str | bytes) -> Image.Image:
    content = base64.b64decode(encoded) if isinstance(encoded, str) else encoded
    drawn = Image.open(io.BytesIO(content))
    drawn.load()
    return drawn


async def fetch(url: str) -> httpx2.Response:
    async with httpx2.AsyncClient(**PLAIN) as http:
        return await http.get(url)


async def test_a_gpt_image_answer_has_its_keys_and_a_real_png(plain: Emulator) -> None:
    answer = await image(plain, "gpt-image-1", size="1536x1024", quality="low")
    assert answer.keys() == {"created", "background", "data", "output_format", "quality", "size", "usage"}
    assert (answer["background"], answer["output_format"]) == ("opaque", "png")
    assert (answer["quality"], answer["size"]) == ("low", "1536x1024")
    assert [item.keys() for item in answer["data"]] == [{"b64_json"}]
    assert answer["usage"].keys() == {"input_tokens", "input_tokens_details", "output_tokens", "total_tokens"}
    assert answer["usage"]["input_tokens_details"].keys() == {"image_tokens", "text_tokens"}
    drawn = decode(answer["data"][0]["b64_json"])
    assert (drawn.format, drawn.size) == ("PNG", (1536, 1024))


async def test_a_dall_e_answer_has_its_keys_and_a_url_that_shows_the_png(plain: Emulator) -> None:
    answer = await image(plain, "dall-e-3", size="1792x1024")
    assert answer.keys() == {"created", "data"}
    (item,) = answer["data"]
    assert item.keys() == {"url", "revised_prompt", "content_filter_results", "prompt_filter_results"}
    assert "a red fox" in item["revised_prompt"]
    assert item["url"].startswith(f"{plain.url}/generated/")
    shown = await fetch(item["url"])
    assert shown.headers["content-type"] == "image/png"
    assert decode(shown.content).size == (1792, 1024)


async def test_a_dall_e_image_comes_as_base64_where_asked(plain: Emulator) -> None:
    (item,) = (await image(plain, "dall-e-3", response_format="b64_json"))["data"]
    assert item.keys() == {"b64_json", "revised_prompt", "content_filter_results", "prompt_filter_results"}
    assert decode(item["b64_json"]).format == "PNG"


async def test_the_same_prompt_draws_the_same_image_and_another_does_not(plain: Emulator) -> None:
    one, two = [(await image(plain, "gpt-image-1"))["data"] for _ in range(2)]
    assert one == two
    assert one != (await image(plain, "gpt-image-1", prompt="a blue fox"))["data"]


async def test_openais_client_draws_several_jpegs(plain: Emulator) -> None:
    async with plain.v1() as client:
        answer = await client.images.generate(model="gpt-image-1", prompt="fox", n=3, output_format="jpeg")
    assert answer.output_format == "jpeg"
    assert [decode(item.b64_json or "").format for item in answer.data or []] == ["JPEG"] * 3


async def test_the_azure_client_draws_with_dall_e(plain: Emulator) -> None:
    async with plain.azure() as client:
        answer = await client.images.generate(model="dall-e-3", prompt="fox", style="natural", quality="hd")
    assert answer.data is not None
    assert answer.data[0].url is not None
    assert answer.data[0].revised_prompt is not None


async def test_a_transparent_background_is_transparent(plain: Emulator) -> None:
    answer = await image(plain, "gpt-image-1", background="transparent")
    assert answer["background"] == "transparent"
    drawn = decode(answer["data"][0]["b64_json"])
    assert drawn.mode == "RGBA"
    assert drawn.getpixel((1023, 1023)) == (0, 0, 0, 0)


async def test_quality_defaults_to_high_and_to_medium_for_mini(plain: Emulator) -> None:
    assert (await image(plain, "gpt-image-1"))["quality"] == "high"
    assert (await image(plain, "gpt-image-1-mini"))["quality"] == "medium"


@pytest.mark.parametrize("parameter", [{"style": "vivid"}, {"response_format": "url"}, {"fast": 1}])
async def test_gpt_image_refuses_what_it_does_not_know(plain: Emulator, parameter: dict[str, Any]) -> None:
    (name,) = parameter
    assert (await image(plain, "gpt-image-1", **parameter))["error"] == {
        "message": f"Unknown parameter: '{name}'.",
        "type": "invalid_request_error",
        "param": name,
        "code": "unknown_parameter",
    }


@pytest.mark.parametrize(
    ("deployment", "body", "param"),
    [
        ("gpt-image-1", {"size": "512x512"}, "size"),
        ("gpt-image-1", {"n": 11}, "n"),
        ("gpt-image-1", {"quality": "hd"}, "quality"),
        ("gpt-image-1", {"output_format": "webp"}, "output_format"),
        ("gpt-image-1", {"background": "transparent", "output_format": "jpeg"}, "background"),
        ("gpt-image-1", {"prompt": None}, "prompt"),
        ("gpt-image-1", {"prompt": ""}, "prompt"),
        ("gpt-image-1", {"prompt": 1}, "prompt"),
        ("gpt-image-2", {"size": "1000x1000"}, "size"),
        ("gpt-image-2", {"size": "3840x1024"}, "size"),
        ("gpt-image-2", {"size": "16x16"}, "size"),
        ("gpt-image-2", {"size": "bigxwide"}, "size"),
        ("dall-e-3", {"n": 2}, "n"),
        ("dall-e-3", {"style": "odd"}, "style"),
        ("dall-e-3", {"size": "1024x1536"}, "size"),
        ("dall-e-3", {"prompt": "x" * 4001}, "prompt"),
        ("dall-e-3", {"background": "opaque"}, "background"),
    ],
)
async def test_a_wrong_value_is_refused_with_its_param(
    plain: Emulator, deployment: str, body: dict[str, Any], param: str
) -> None:
    assert (await image(plain, deployment, **body))["error"]["param"] == param


async def test_gpt_image_2_draws_other_sizes(plain: Emulator) -> None:
    answer = await image(plain, "gpt-image-2", size="1600x800")
    assert decode(answer["data"][0]["b64_json"]).size == (1600, 800)


async def test_an_unknown_url_shows_nothing(plain: Emulator) -> None:
    shown = await fetch(f"{plain.url}/generated/guess.png")
    assert (shown.status_code, shown.headers["content-type"]) == GONE


@pytest.mark.slow
async def test_only_the_newest_images_are_kept(plain: Emulator) -> None:
    first = (await image(plain, "dall-e-3"))["data"][0]["url"]
    assert (await fetch(first)).status_code == 200
    async with plain.azure() as client:
        for _ in range(64):
            await client.images.generate(model="dall-e-3", prompt="x")
    assert (await fetch(first)).status_code == 404


async def test_a_rule_gives_the_revised_prompt_and_the_url(emulate: Emulate) -> None:
    served = emulate("rules: [{kind: image, when: FOX, revised_prompt: A fox., url: 'https://example.org/a.png'}]")
    (item,) = (await image(served, "dall-e-3"))["data"]
    assert (item["revised_prompt"], item["url"]) == ("A fox.", "https://example.org/a.png")
    (other,) = (await image(served, "dall-e-3", prompt="owl"))["data"]
    assert "owl" in other["revised_prompt"]


async def url_with(emulate: Emulate, fault: str) -> str:
    served = emulate(f"rules: [{{kind: image, fault: {fault}}}]")
    url: str = (await image(served, "dall-e-3"))["data"][0]["url"]
    return url


async def test_image_gone_is_a_404(emulate: Emulate) -> None:
    shown = await fetch(await url_with(emulate, "{kind: image_gone}"))
    assert (shown.status_code, shown.headers["content-type"]) == GONE


async def test_image_not_image_is_a_page(emulate: Emulate) -> None:
    shown = await fetch(await url_with(emulate, "{kind: image_not_image}"))
    assert (shown.status_code, shown.headers["content-type"]) == (200, "text/html; charset=utf-8")


async def test_image_redirect_leads_elsewhere(emulate: Emulate) -> None:
    shown = await fetch(await url_with(emulate, "{kind: image_redirect, to: 'http://10.0.0.1/x'}"))
    assert (shown.status_code, shown.headers["location"]) == (302, "http://10.0.0.1/x")


@pytest.mark.slow
async def test_image_huge_never_ends(emulate: Emulate) -> None:
    url = await url_with(emulate, "{kind: image_huge}")
    read = 0
    async with httpx2.AsyncClient(**PLAIN) as http, http.stream("GET", url) as response:
        assert "content-length" not in response.headers
        async for piece in response.aiter_raw():
            read += len(piece)
            if read > 20_000_000:
                break
    assert read > 20_000_000


@pytest.mark.slow
async def test_image_slow_says_nothing_for_a_while(emulate: Emulate) -> None:
    url = await url_with(emulate, "{kind: image_slow, seconds: 600}")
    async with httpx2.AsyncClient(timeout=0.1, **PLAIN) as http:
        with pytest.raises(httpx2.ReadTimeout):
            await http.get(url)
    url = await url_with(emulate, "{kind: image_slow, seconds: 0.01}")
    assert decode((await fetch(url)).content).format == "PNG"


@pytest.mark.parametrize("code", ["content_policy_violation", "moderation_blocked", "contentFilter", "content_filter"])
async def test_image_refused_has_each_of_azures_four_codes(emulate: Emulate, code: str) -> None:
    served = emulate(f"rules: [{{kind: image, fault: {{kind: image_refused, code: {code}}}}}]")
    async with served.azure() as client:
        with pytest.raises(openai.BadRequestError) as caught:
            await client.images.generate(model="dall-e-3", prompt="x")
    assert caught.value.code == code
    body = caught.value.body
    assert isinstance(body, dict)
    if code == "moderation_blocked":
        assert body["type"] == "image_generation_user_error"
        assert "safety_violations=[violence]" in body["message"]
    else:
        assert body["inner_error"].keys() == {"code", "content_filter_results", "revised_prompt"}
        assert body["inner_error"]["content_filter_results"]["violence"]["filtered"] is True


async def test_a_delay_comes_before_the_answer(emulate: Emulate) -> None:
    served = emulate("rules: [{kind: image, times: 1, delay: 600}]")
    async with served.http() as http:
        with pytest.raises(httpx2.ReadTimeout):
            await http.post("/v1/images/generations", json={"model": "dall-e-3", "prompt": "x"}, timeout=0.2)
        answer = await http.post("/v1/images/generations", json={"model": "dall-e-3", "prompt": "x"})
    assert answer.status_code == 200
