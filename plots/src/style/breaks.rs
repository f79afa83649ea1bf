//! Where lines and bands break: at values that are no numbers.

/// Which places have none beside them.
pub(super) fn alone(places: &[Option<(f64, f64)>]) -> Vec<usize> {
    let there = |k: Option<usize>| k.and_then(|k| places.get(k)).is_some_and(Option::is_some);
    let lone = |k: &usize| there(Some(*k)) && !there(k.checked_sub(1)) && !there(k.checked_add(1));
    (0..places.len()).filter(lone).collect()
}

/// The points of a line, none where one has no place.
pub(super) fn points(
    x: &[f64],
    y: &[f64],
    has: &impl Fn(f64, f64) -> bool,
) -> Vec<Option<(f64, f64)>> {
    x.iter().zip(y).map(|(x, y)| has(*x, *y).then_some((*x, *y))).collect()
}

/// The line as pieces between values that are no numbers.
pub(super) fn pieces(points: &[Option<(f64, f64)>]) -> Vec<Vec<(f64, f64)>> {
    let runs = points.split(Option::is_none).filter(|run| run.len() > 1);
    runs.map(|run| run.iter().copied().flatten().collect()).collect()
}

/// The outlines of a band, as pieces between edges that are no numbers.
pub(super) fn areas(
    x: &[f64],
    low: &[f64],
    high: &[f64],
    has: &impl Fn(f64, f64) -> bool,
) -> Vec<Vec<(f64, f64)>> {
    let edges = x.iter().zip(low.iter().zip(high));
    let both = |(x, (low, high)): (&f64, (&f64, &f64))| {
        (has(*x, *low) && has(*x, *high)).then_some([(*x, *low), (*x, *high)])
    };
    let edges: Vec<Option<[(f64, f64); 2]>> = edges.map(both).collect();
    let runs = edges.split(Option::is_none).filter(|run| run.len() > 1);
    let outline = |run: &[Option<[(f64, f64); 2]>]| {
        let upper = run.iter().flatten().map(|p| p[1]);
        upper.chain(run.iter().rev().flatten().map(|p| p[0])).collect()
    };
    runs.map(outline).collect()
}

#[cfg(test)]
mod tests {
    use super::{alone, areas};

    #[test]
    fn a_point_alone_is_found() {
        let at = Some((0.0, 0.0));
        assert_eq!(alone(&[at]), [0]);
        assert_eq!(alone(&[at, at, None, at, None, None, at]), [3, 6]);
        assert!(alone(&[]).is_empty() && alone(&[None]).is_empty());
    }

    #[test]
    fn a_band_breaks_where_its_edges_do() {
        let has = |_: f64, y: f64| y.is_finite();
        let found = areas(
            &[0.0, 1.0, 2.0, 3.0, 4.0],
            &[0.0, 0.0, f64::NAN, 0.0, 0.0],
            &[1.0, 2.0, 3.0, 4.0, 5.0],
            &has,
        );
        assert_eq!(
            found,
            [
                vec![(0.0, 1.0), (1.0, 2.0), (1.0, 0.0), (0.0, 0.0)],
                vec![(3.0, 4.0), (4.0, 5.0), (4.0, 0.0), (3.0, 0.0)],
            ]
        );
    }
}
