"""Images that come as streams of events, and edits of images, as openai's client asks for them."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2
import openai
import orjson
import pytest
from PIL import Image

from tests.emulator.conftest import Emulate
from tests.harness.emulator import KEY, Emulator
from tests.harness.http_client import PLAIN

COMMON = {"type", "b64_json", "background", "created_at", "output_format", "quality", "size"}


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    output = io.BytesIO()
    image.save(output, kind)
    return output.getvalue()


def decode(text: str) -> Image.Image:
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    image.load()
    return image


RED = encoded(Image.new("RGB", (256, 256), (255, 0, 0)))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("partial", [0, 2, 3])
async def test_openais_client_reads_a_stream_of_images(plain: Emulator, partial: int) -> None:
    async with plain.v1() as client:
        stream = await client.images.generate(
            model="gpt-image-2", prompt="a fox", stream=True, partial_images=partial, size="1024x640"
        )
        events = [event async for event in stream]
    assert [event.type for event in events] == [
        *["image_generation.partial_image"] * partial,
        "image_generation.completed",
    ]
    assert [getattr(event, "partial_image_index", None) for event in events] == [*range(partial), None]
    assert {decode(event.b64_json).size for event in events} == {(1024, 640)}
    assert len({event.b64_json for event in events}) == partial + 1
    for event in events:
        assert set(event.to_dict()) - {"partial_image_index", "usage"} == COMMON
        assert (event.size, event.quality, event.background, event.output_format) == (
            "1024x640",
            "high",
            "opaque",
            "png",
        )
    last = events[-1]
    assert last.type == "image_generation.completed"
    assert last.usage.total_tokens == last.usage.input_tokens + last.usage.output_tokens


@pytest.mark.parametrize("dated", [False, pytest.param(True, marks=pytest.mark.slow)])
async def test_openais_client_edits_an_image_where_the_mask_is_transparent(plain: Emulator, dated: bool) -> None:
    mask = Image.new("RGBA", (256, 256), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 128, 256, 256))
    files: dict[str, Any] = {"image": ("a.png", RED), "mask": ("mask.png", encoded(mask))}
    async with plain.azure() if dated else plain.v1() as client:
        whole = await client.images.edit(model="gpt-image-1", prompt="a fox", **files)
        stream = await client.images.edit(model="gpt-image-1", prompt="a fox", stream=True, partial_images=1, **files)
        events = [event async for event in stream]
    (item,) = whole.data or []
    edited = decode(item.b64_json or "").convert("RGB")
    assert edited.getpixel((500, 100)) == (255, 0, 0)
    assert edited.getpixel((500, 1000)) != (255, 0, 0)
    assert whole.usage
    assert whole.usage.input_tokens_details.image_tokens > 0
    assert [event.type for event in events] == ["image_edit.partial_image", "image_edit.completed"]
    assert events[-1].b64_json == item.b64_json


async def test_several_images_and_a_jpeg_are_taken_without_a_mask(plain: Emulator) -> None:
    jpeg = encoded(Image.new("RGB", (20, 10)), "JPEG")
    async with plain.v1() as client:
        answer = await client.images.edit(
            model="gpt-image-1", prompt="both", image=[("a.png", RED), ("b.jpg", jpeg)], n=2, output_format="jpeg"
        )
    assert [decode(item.b64_json or "").format for item in answer.data or []] == ["JPEG", "JPEG"]


async def test_a_stream_has_named_events_and_a_rule_serves_it(emulate: Emulate) -> None:
    served = emulate("rules: [{kind: image, when: busy, times: 1, fault: {kind: status, status: 429, retry_after: 1}}]")
    body = {"prompt": "busy", "stream": True, "partial_images": 1, "n": 2, "output_format": "jpeg"}
    assert (await served.post("images/generations", "gpt-image-1", body)).status_code == 429
    response = await served.post("images/generations", "gpt-image-1", body)
    assert response.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in response.text.split("\n") if line.startswith("event:")]
    assert lines == ["event: image_generation.partial_image", "event: image_generation.completed"] * 2
    data = [orjson.loads(line[5:]) for line in response.text.split("\n") if line.startswith("data:")]
    assert [decode(event["b64_json"]).format for event in data] == ["JPEG"] * 4
    assert b"[DONE]" not in response.content


@pytest.mark.parametrize(
    ("fields", "files", "words"),
    [
        ({"prompt": "x"}, {"mask": RED}, "Missing required parameter: 'image'"),
        ({}, {"image": RED}, "Missing required parameter: 'prompt'"),
        ({"prompt": "x"}, {"image": b"no image"}, "Invalid image file for 'image'"),
        ({"prompt": "x"}, {"image": RED, "mask": encoded(Image.new("RGBA", (5, 5)))}, "The mask is (5, 5)"),
        ({"prompt": "x"}, {"image": RED, "mask": RED}, "The mask has no alpha channel"),
        ({"prompt": "x", "partial_images": "4"}, {"image": RED}, "from 0 to 3"),
        ({"prompt": "x", "style": "vivid"}, {"image": RED}, "style"),
    ],
)
async def test_an_edit_that_cannot_be_is_a_400(
    plain: Emulator, fields: dict[str, str], files: dict[str, bytes], words: str
) -> None:
    sent = {name: ("a.png", content) for name, content in files.items()}
    async with httpx2.AsyncClient(base_url=plain.url, headers={"api-key": KEY}, **PLAIN) as http:
        response = await http.post("/openai/v1/images/edits", data={"model": "gpt-image-1", **fields}, files=sent)
        assert response.status_code == 400
        assert words in response.json()["error"]["message"]
        as_json = await http.post("/openai/v1/images/edits", json={"model": "gpt-image-1", "prompt": "x"})
        assert as_json.status_code == 400
        assert "multipart/form-data" in as_json.json()["error"]["message"]


async def test_dall_e_edits_nothing(plain: Emulator) -> None:
    async with plain.v1() as client:
        with pytest.raises(openai.BadRequestError, match="does not work"):
            await client.images.edit(model="dall-e-3", prompt="x", image=("a.png", RED))
