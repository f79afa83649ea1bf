//! The labels at the ends of lines, moved apart where they would overlap. plotters has legends and no such labels.

use super::{LineStyle, SMALL, Stroke, panel::Line, text::MIDDLE};
use crate::drawing::{Anchor, Canvas, Point, Rect, Tone};

/// From the baseline of one label to that of the next.
const LEADING: f64 = 8.2;

/// Draws the labels of lines right of the frame; `place` says where a point of the data is.
pub(super) fn draw(
    canvas: &mut Canvas,
    lines: &[Line],
    frame: Rect,
    place: impl Fn(f64, f64) -> Option<Point>,
) {
    let (right, bottom) = (frame.x + frame.width.max(0.0), frame.y + frame.height.max(0.0));
    // The last point inside the frame.
    let inside =
        |p: &&Point| (frame.x..=right + 1e-6).contains(&p.0) && (frame.y..=bottom).contains(&p.1);
    let mut ends: Vec<(Point, &str, Tone)> = Vec::new();
    for line in lines {
        let Some((label, tone)) = &line.label else { continue };
        let all: Vec<Point> =
            line.x.iter().zip(&line.y).filter_map(|(x, y)| place(*x, *y)).collect();
        if let Some(last) = all.iter().rev().find(inside).or(all.last()) {
            let at = (last.0.clamp(frame.x, right), last.1.clamp(frame.y, bottom));
            ends.push((at, label, *tone));
        }
    }
    let wished: Vec<f64> = ends.iter().map(|e| e.0.1).collect();
    let placed = apart(&wished, LEADING, frame.y + 2.0, frame.y + frame.height - 2.0);
    for ((wish, label, tone), at) in ends.iter().zip(placed) {
        let leader = Stroke { tone: *tone, dash: LineStyle::Solid, width: 0.4 };
        canvas.line((wish.0 + 0.8, wish.1), (right + 6.0, at), leader);
        let base = at + MIDDLE * SMALL;
        canvas.text((right + 7.5, base), Anchor::Start, SMALL, *tone, label, false);
    }
}

/// Places at least `gap` apart, in the order of the wishes and as near to them as a pass of pooling gets,
/// inside `low..=high` where there is room.
fn apart(wishes: &[f64], gap: f64, low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wishes.len()).collect();
    order.sort_by(|i, j| wishes[*i].total_cmp(&wishes[*j]));
    // Groups that touch share a centre: (sum of wished starts, members, from).
    let mut groups: Vec<(f64, usize)> = Vec::new();
    for (k, &i) in order.iter().enumerate() {
        groups.push((wishes[i] - k as f64 * gap, 1));
        while let [.., (p, a), (q, b)] = groups[..]
            && q / b as f64 <= p / a as f64
        {
            groups.truncate(groups.len() - 2);
            groups.push((p + q, a + b));
        }
    }
    let span = gap * wishes.len().saturating_sub(1) as f64;
    let starts = groups.iter().flat_map(|(s, n)| std::iter::repeat_n(s / *n as f64, *n));
    let mut places = vec![0.0; wishes.len()];
    for ((k, &i), start) in order.iter().enumerate().zip(starts) {
        places[i] = start.clamp(low, (high - span).max(low)) + k as f64 * gap;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::apart;

    #[test]
    fn labels_keep_apart_and_near() {
        assert_eq!(apart(&[10.0, 50.0], 8.0, 0.0, 100.0), [10.0, 50.0]);
        assert_eq!(apart(&[10.0, 10.0], 8.0, 0.0, 100.0), [6.0, 14.0]);
        assert_eq!(apart(&[50.0, 1.0, 52.0], 8.0, 0.0, 100.0), [47.0, 1.0, 55.0]);
        let crowded = apart(&[99.0, 98.0, 100.0], 8.0, 0.0, 100.0);
        assert_eq!(crowded, [92.0, 84.0, 100.0]);
        assert!(apart(&[], 8.0, 0.0, 10.0).is_empty());
    }
}
