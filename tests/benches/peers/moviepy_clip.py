"""Makes one vertical, captioned clip with moviepy, as its documentation shows it; runs in the peers' environment.

The argument is a JSON object: source, start_s, end_s, width, height, speaker_at, font, words [{text, start_s, end_s}], threads, out.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Dict

from moviepy import CompositeVideoClip, TextClip, VideoFileClip

CAPTION_HEIGHT_SHARE = 0.72
FONT_SIZE_SHARE = 0.05


def main(job: Dict[str, Any]) -> None:
    width, height = job["width"], job["height"]
    part = VideoFileClip(job["source"]).subclipped(job["start_s"], job["end_s"])
    column = min(part.w, round(part.h * width / height))
    picture = part.cropped(x_center=part.w * job["speaker_at"], width=column).resized((width, height))
    # the picture is the ground, so nothing shows through: working that out for every frame costs half as much again
    clip = CompositeVideoClip([picture, *(caption(word, job) for word in job["words"])], use_bgclip=True)
    clip.write_videofile(
        job["out"],
        codec="libx264",
        preset="veryfast",
        audio_codec="aac",
        audio_bitrate="160k",
        threads=job["threads"],
        ffmpeg_params=["-crf", "20", "-pix_fmt", "yuv420p", "-movflags", "+faststart"],
        logger=None,
    )


def caption(word: Dict[str, Any], job: Dict[str, Any]) -> TextClip:
    text = TextClip(
        font=job["font"],
        text=word["text"].upper(),
        font_size=round(job["height"] * FONT_SIZE_SHARE),
        color="white",
        stroke_color="black",
        stroke_width=6,
        margin=(10, 20),
    )
    start, end = word["start_s"] - job["start_s"], word["end_s"] - job["start_s"]
    return text.with_start(start).with_duration(end - start).with_position(("center", CAPTION_HEIGHT_SHARE), relative=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
