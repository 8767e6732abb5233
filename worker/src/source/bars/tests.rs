//! Bars and what is none, in made-up frames.

use super::*;

const SIZE: Size = Size {
    width: 160,
    height: 90,
};

/// Frames of which `light` says how bright a pixel is.
fn frames(light: impl Fn(usize, usize, usize) -> u8) -> Frames {
    let frame = |number: usize| {
        let pixels = (0..90).flat_map(|y| (0..160).map(move |x| (x, y)));
        pixels.map(|(x, y)| light(number, x, y)).collect()
    };
    Frames {
        size: SIZE,
        grey: (0..8).map(frame).collect(),
    }
}

/// Something with a lot of detail.
fn busy(number: usize, x: usize, y: usize) -> u8 {
    80 + ((x * 7 + y * 13 + number * 5) % 100) as u8
}

fn found(frames: &Frames) -> Option<(u32, u32, u32, u32)> {
    let area = frames.black_bars().or_else(|| frames.blurred_bars())?;
    Some((area.x, area.y, area.size.width, area.size.height))
}

#[test]
fn black_bars_are_found_on_any_side() {
    let inside = |left: usize, top: usize, right: usize, bottom: usize| {
        frames(move |number, x, y| {
            let is_inside = (left..=right).contains(&x) && (top..=bottom).contains(&y);
            if is_inside { busy(number, x, y) } else { 17 }
        })
    };
    assert_eq!(found(&inside(0, 12, 159, 77)), Some((0, 12, 160, 66)));
    assert_eq!(found(&inside(55, 0, 104, 89)), Some((55, 0, 50, 90)));
    assert_eq!(found(&inside(20, 10, 159, 79)), Some((20, 10, 140, 70)));
    assert_eq!(found(&inside(0, 0, 159, 89)), None);
}

#[test]
fn something_bright_in_the_dark_has_no_bars_around_it() {
    let spot = frames(|number, x, y| {
        let (dx, dy) = (x as i64 - 80 - number as i64, y as i64 - 50);
        if dx * dx + dy * dy < 30 * 30 { 200 } else { 18 }
    });
    assert_eq!(found(&spot), None);
    assert_eq!(found(&frames(|_, _, _| 20)), None, "all of it is dark");
    let dark_start = frames(|number, x, y| if number < 6 { 16 } else { busy(number, x, y) });
    assert_eq!(found(&dark_start), None);
}

#[test]
fn a_dark_side_of_the_picture_does_not_keep_the_bars_of_the_other_sides() {
    // a letterboxed stage whose right side is dark but for a lamp
    let stage = frames(|number, x, y| {
        let is_lamp = (140..144).contains(&x) && (40..44).contains(&y);
        if (12..78).contains(&y) && (x < 120 || is_lamp) {
            busy(number, x, y)
        } else {
            17
        }
    });
    assert_eq!(found(&stage), Some((0, 12, 160, 66)));
}

#[test]
fn bars_of_a_blurred_copy_are_found_and_other_smooth_grounds_are_not() {
    // what the picture shows in the large: dark above, bright below, and its detail
    let shade = |y: usize| (y as f64 * 1.1) as u8;
    let copied = |y: usize| shade((45.0 + (y as f64 - 45.0) * 50.0 / 160.0) as usize);
    let picture = |number, x, y| busy(number, x, y) / 2 + shade(y);
    let is_inside = |x: usize| (55..105).contains(&x);
    let upright = frames(|number, x, y| {
        if is_inside(x) {
            picture(number, x, y)
        } else {
            30 + copied(y)
        }
    });
    assert_eq!(found(&upright), Some((55, 0, 50, 90)));
    let portrait = frames(|number, x, y| {
        if is_inside(x) {
            picture(number, x, y)
        } else {
            60 + (x / 8) as u8
        }
    });
    assert_eq!(found(&portrait), None, "a portrait on a smooth ground");
    let speaker = frames(|number, x, y| {
        let width = 20 + y / 3;
        if x.abs_diff(80) < width {
            picture(number, x, y)
        } else {
            30 + copied(y)
        }
    });
    assert_eq!(found(&speaker), None, "a speaker before a blurred ground");
}

#[test]
fn what_is_left_is_at_even_places_inside_of_the_border() {
    let upright = Size {
        width: 1920,
        height: 1080,
    };
    let size = Size {
        width: 640,
        height: 360,
    };
    let area = enlarged(rect(218, 0, 421, 359), size, upright).unwrap();
    assert_eq!((area.x, area.size.width), (658, 604));
    assert_eq!((area.y, area.size.height), (0, 1080));
    assert_eq!(enlarged(rect(0, 0, 639, 359), size, upright), None);
    assert_eq!(
        enlarged(rect(300, 100, 340, 200), size, upright),
        None,
        "too little is left"
    );
}
