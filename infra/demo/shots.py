"""The pictures of the talk: stills made once, and for every shot the ffmpeg inputs and filter graph that move them.

Layers move by whole pixels, so chroma is kept at full size until the end (at half size they would jump by two).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FPS = 25
WIDTH, HEIGHT = 1920, 1080
CHROMA = "scale=out_color_matrix=bt709:out_range=tv"
REPEAT = "loop=loop=-1:size=1,setpts=N"

# name: inputs, filter graph. Names of inputs: the demo's assets, or masks of this folder
STILLS = {
    "studio.png": (
        ["rocket.jpg"],
        "[0]crop=262:147:378:280,scale=2400:1350:flags=lanczos:force_original_aspect_ratio=increase,crop=2400:1350,gblur=40,"
        "eq=brightness=.07:saturation=1.35:contrast=1.1,vignette=PI/4.8",
    ),
    "warm.png": (
        ["coffee.png"],
        "[0]crop=190:107:410:20,scale=2400:1350:flags=lanczos,gblur=30,eq=brightness=-.2:saturation=.95,vignette=PI/4.2",
    ),
    "space.png": (
        ["stars.jpg"],
        "[0]scale=2400:1350:flags=lanczos:force_original_aspect_ratio=increase,crop=2400:1350,gblur=3.2,"
        "colorbalance=bm=.12:bs=.14:rs=-.04,eq=brightness=-.06:saturation=1.3,vignette=PI/4.4",
    ),
    "stars.png": (
        ["stars.jpg"],
        "[0]scale=2400:1350:flags=lanczos:force_original_aspect_ratio=increase,crop=2400:1350,unsharp,vignette=PI/5",
    ),
    "rocket.png": (
        ["rocket.jpg"],
        "[0]scale=2400:1350:flags=lanczos:force_original_aspect_ratio=increase,crop=2400:1350,unsharp",
    ),
    "hopper.png": (["hopper.jpg", "masks/hopper.png"], "[0]format=rgb24[p];[1]format=gray[m];[p][m]alphamerge,scale=-2:1500:flags=lanczos"),
    "collins.png": (["collins.png", "masks/collins.png"], "[0]format=rgb24[p];[1]format=gray[m];[p][m]alphamerge,scale=-2:1700:flags=lanczos"),
}


@dataclass(frozen=True)
class Person:
    """A cut-out on the canvas, standing on its lower edge unless `sink` pushes it below."""

    still: str
    height: int
    centre_x: float
    speed: float = 0.0  # px/s, positive to the right
    sink: int = 0  # px of the cut-out below the canvas
    growth: float = 0.0  # of its size, per second


@dataclass(frozen=True)
class Shot:
    ground: str
    ground_speed: float = 6.0  # px/s
    people: tuple[Person, ...] = ()
    text: str = ""  # the events of an ASS script


def ass_event(text: str, start_s: float = 0.0) -> str:
    return f"Dialogue: 0,0:00:{start_s:05.2f},0:09:59.00,Text,,0,0,0,,{text}"


def card(width: int, height: int, colour: str) -> str:
    """A filled rectangle in the middle of the canvas, as an ASS drawing; `colour` is BBGGRR."""
    left, top = (WIDTH - width) // 2, (HEIGHT - height) // 2
    corners = f"m {left} {top} l {left + width} {top} {left + width} {top + height} {left} {top + height}"
    return ass_event(rf"{{\an7\pos(0,0)\bord0\shad6\1c&H{colour}&\p1}}{corners}")


def line(text: str, y: int, size: int, *, colour: str = "FFFFFF", start_s: float = 0.0, font: str = "Poppins SemiBold") -> str:
    style = rf"{{\an5\pos({WIDTH // 2},{y})\fn{font}\fs{size}\1c&H{colour}&\fad(350,0)}}"
    return ass_event(style + text, start_s)


INK = "3A2A22"

SHOTS = {
    "title": Shot("studio", 9, text="\n".join([
        line("The best of times", 480, 220, font="Poppins SemiBold"),
        line("two women, two machines, one screw", 650, 84, colour="9FD3FF", start_s=0.8),
    ])),
    "stars": Shot("stars", 10),
    "launch": Shot("rocket", 14),
    "pair": Shot("studio", 6, (
        Person("hopper", 960, 560, -5),
        Person("collins", 980, 1385, 5),
    )),
    "hopper-left": Shot("studio", 9, (Person("hopper", 1010, 620, 9),)),
    "hopper-right": Shot("studio", -9, (Person("hopper", 1010, 1270, -9),)),
    "hopper-close": Shot("studio", 5, (Person("hopper", 1270, 960, 0, 240, 0.006),)),
    "hopper-walks": Shot("studio", -12, (Person("hopper", 985, 420, 88),)),
    "collins-left": Shot("space", 8, (Person("collins", 1030, 700, 9),)),
    "collins-right": Shot("space", -8, (Person("collins", 1030, 1360, -9),)),
    "collins-close": Shot("space", 5, (Person("collins", 1560, 1040, 0, 530, 0.006),)),
    "collins-walks": Shot("space", 12, (Person("collins", 1010, 1500, -80),)),
    "moth": Shot("studio", 5, text="\n".join([
        card(1180, 800, "D2E8F2"),
        line("9 September 1947", 250, 84, colour=INK, font="Varela Round"),
        line("15:45   Relay #70, panel F", 420, 92, colour=INK, font="Varela Round", start_s=1.6),
        line("(moth) in relay", 540, 92, colour=INK, font="Varela Round", start_s=3.4),
        line("First actual case", 710, 112, colour="2A2AC0", font="Varela Round", start_s=8.4),
        line("of bug being found.", 830, 112, colour="2A2AC0", font="Varela Round", start_s=9.2),
    ])),
    "habits": Shot("studio", 5, text="\n".join([
        line("What they had in common", 230, 92, colour="9FD3FF"),
        line("1   Write everything down", 430, 124, start_s=0.2),
        line("2   Make the invisible visible", 590, 124, start_s=3.5),
        line("3   Plan for the bad day", 750, 124, start_s=8.3),
    ])),
}

ASS_HEAD = f"""[Script Info]
ScriptType: v4.00+
PlayResX: {WIDTH}
PlayResY: {HEIGHT}
[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, OutlineColour, BackColour, Bold, BorderStyle, Outline, Shadow, Alignment
Style: Text,Poppins SemiBold,64,&H00FFFFFF,&H00000000,&H90000000,0,1,0,3,5
[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def shot_command(shot: Shot, script: Path, fonts: Path) -> tuple[list[str], str]:
    """The inputs (names of stills) and the filter graph of a shot; writes its text to `script`."""
    stills = [shot.ground, *(person.still for person in shot.people)]
    graph = [f"[0]{ground_filter(shot.ground_speed)}[c0]"]
    for number, person in enumerate(shot.people, start=1):
        graph.append(f"[{number}]{size_filter(person)}[p{number}]")
        graph.append(f"[c{number - 1}][p{number}]{place_filter(person)}[c{number}]")
    last = f"[c{len(shot.people)}]"
    if shot.text:
        script.write_text(ASS_HEAD + shot.text + "\n", encoding="utf-8")
        graph.append(f"{last}ass={script.name}:fontsdir={fonts}[text]")
        last = "[text]"
    graph.append(f"{last}format=yuv420p[out]")
    return [f"{name}.png" for name in stills], ";".join(graph)


def ground_filter(speed: float) -> str:
    start = 0 if speed > 0 else 2400 - WIDTH
    return f"{CHROMA},format=yuv444p,{REPEAT},crop={WIDTH}:{HEIGHT}:x='{start}+{speed}*t':y='135+30*sin(t/9)'"


def size_filter(person: Person) -> str:
    if not person.growth:
        return f"scale=-2:{person.height}:flags=bicubic,{CHROMA},format=yuva444p,{REPEAT}"
    return f"{CHROMA},format=yuva444p,{REPEAT},scale=-2:h='2*trunc({person.height}*(1+{person.growth}*t)/2)':eval=frame:flags=bilinear"


def place_filter(person: Person) -> str:
    x = f"{person.centre_x}+{person.speed}*t+5*sin(t*0.9)-w/2"
    y = f"H-h+{person.sink}*h/{person.height}+6+5*sin(t*1.3)"
    return f"overlay=x='{x}':y='{y}':format=yuv444:shortest=1"
