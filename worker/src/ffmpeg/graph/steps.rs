//! Values that change from frame to frame, as expressions of ffmpeg.

use super::super::media::FrameRate;

/// A value from a frame on, until the next step.
pub(crate) type Step = (u64, i64);

/// A value by the number of the frame that a filter is at (`n`), for filters that see every frame.
pub(crate) fn by_number(steps: &[Step]) -> String {
    nested("n", steps)
}

/// A value by the time of the frame that a filter is at, for filters that see only some of the frames.
pub(crate) fn by_time(steps: &[Step], rate: FrameRate) -> String {
    match steps {
        [(_, value)] => value.to_string(),
        _ => format!(
            "'st(0,round(t*{}/{}));{}'",
            rate.frames,
            rate.seconds,
            nested("ld(0)", steps)
        ),
    }
}

/// Comparisons within comparisons, so that a value among `n` is found, and the text is nested, `log2 n` deep.
fn nested(variable: &str, steps: &[Step]) -> String {
    match steps {
        [] => "0".into(),
        [(_, value)] => value.to_string(),
        _ => {
            let (before, after) = steps.split_at(steps.len() / 2);
            format!(
                "if(lt({variable},{}),{},{})",
                after[0].0,
                nested(variable, before),
                nested(variable, after)
            )
        }
    }
}

/// Leaves out each step to the value that is there anyhow; of several at one frame the last one counts.
pub(crate) fn changes(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    let mut changes: Vec<Step> = Vec::new();
    for step in steps {
        changes.pop_if(|last| last.0 == step.0);
        if changes.last().is_none_or(|last| last.1 != step.1) {
            changes.push(step);
        }
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_found_by_halving() {
        let steps = [(0, 1), (10, 0), (20, 1), (30, 0)];
        assert_eq!(
            by_number(&steps),
            "if(lt(n,20),if(lt(n,10),1,0),if(lt(n,30),1,0))"
        );
    }

    #[test]
    fn a_value_that_never_changes_is_a_number() {
        let rate = FrameRate {
            frames: 25,
            seconds: 1,
        };
        assert_eq!(by_time(&changes([(0, 7), (5, 7)]), rate), "7");
        assert_eq!(changes([(0, 0), (0, 1), (4, 0), (4, 1)]), [(0, 1)]);
        assert_eq!(
            by_time(&[(0, 7), (5, 8)], rate),
            "'st(0,round(t*25/1));if(lt(ld(0),5),7,8)'"
        );
    }
}
