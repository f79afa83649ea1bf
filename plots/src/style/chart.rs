//! A panel as a chart of plotters: frame with axes, bands, lines and marks.
//!
//! plotters maps values to places, draws grid, axes, ticks and their labels, and puts lines, bands and marks where their
//! values are. Ours are what it has not: smaller ticks (its light points are lines across the panel), clipping, a title in
//! lines as narrow as its panel, and labels at the ends of lines, which it has legends for.

use std::cell::RefCell;

use mirrorflow::{Error, Result};
use plotters::{
    chart::{ChartBuilder, ChartContext, LabelAreaPosition},
    coord::{Shift, cartesian::Cartesian2d},
    drawing::DrawingArea,
    element::{Circle, PathElement, Polygon, Rectangle, Text},
};

use super::{
    LineStyle, SIZE, SMALL, Stroke,
    axis::Fitted,
    backend::{Backend, ink, letters, paper, pen, pixel, pixels, points},
    breaks, ends,
    panel::{Line, Margins, Note, Panel, TICK},
    text::MIDDLE,
    title::{HEADING, heading},
};
use crate::drawing::{Anchor, Canvas, Mark, Point, Rect, Tone};

/// Half the end of a bar.
const CAP: f64 = 1.6;
/// How much of what is below a band it covers.
const BAND: f64 = 0.16;
/// Of a mark where a line has a point alone.
const ALONE: f64 = 1.4;
const GRID: Stroke = Stroke { tone: Tone::Faint, dash: LineStyle::Solid, width: 0.4 };
/// The lines of the axes.
pub(super) const FRAME: Stroke = Stroke { tone: Tone::Ink, dash: LineStyle::Solid, width: 0.6 };

/// Draws a panel with its frame here, inside the margins it asked for.
///
/// # Errors
/// When plotters draws what the backend knows no way to draw.
pub(super) fn draw(panel: &Panel, canvas: &mut Canvas, space: Margins, frame: Rect) -> Result<()> {
    chart(panel, canvas, space, frame).map_err(|why| Error::Domain {
        what: format!("the chart {:?}", panel.title),
        expected: "to be drawable".into(),
        found: why.to_string(),
    })
}

type Area<'a> = DrawingArea<Backend<'a>, Shift>;
type Chart<'a> = ChartContext<'a, Backend<'a>, Cartesian2d<Fitted, Fitted>>;
/// The page with the coordinates of a chart. A chart itself pulls what leaves its frame to the edge, so that a line to a point
/// outside would bend; here it is clipped.
type Plane<'a> = DrawingArea<Backend<'a>, Cartesian2d<Fitted, Fitted>>;
type Drawn = std::result::Result<(), Box<dyn std::error::Error>>;

fn chart(panel: &Panel, canvas: &mut Canvas, space: Margins, frame: Rect) -> Drawn {
    let (x, y) = panel.fit(frame.width, frame.height);
    let canvas = RefCell::new(canvas);
    let page = DrawingArea::from(Backend(&canvas));
    let (left, bottom) = (pixels(space.left), pixels(space.bottom));
    // The last pixel of an area is no part of its axes.
    let size = (left + pixels(frame.width) + 1, pixels(frame.height) + 1 + bottom);
    let corner = pixel((frame.x, frame.y));
    let outer = page.clone().shrink((corner.0 - left, corner.1), size);
    let mut chart = ChartBuilder::on(&outer)
        .set_label_area_size(LabelAreaPosition::Left, left)
        .set_label_area_size(LabelAreaPosition::Bottom, bottom)
        .build_cartesian_2d(x.clone(), y.clone())?;
    chart.configure_mesh().disable_axes().bold_line_style(pen(GRID)).draw()?;
    let plane = page.apply_coord_spec(chart.as_coord_spec().clone());
    canvas.borrow_mut().clip(frame);
    let has = |px: f64, py: f64| x.has(px) && y.has(py);
    panel.lines.iter().try_for_each(|line| bands(&plane, &page, line, &has))?;
    panel.lines.iter().try_for_each(|line| curve(&plane, &page, line, &has))?;
    canvas.borrow_mut().close();
    for line in &panel.lines {
        let Some((mark, radius, tone)) = line.marks else { continue };
        let there = line.x.iter().zip(&line.y).filter(|(px, py)| has(**px, **py));
        for at in there.map(|(px, py)| plane.map_coordinate(&(*px, *py))) {
            let (px, py) = points(at);
            let inside = (frame.x - 1.0..=frame.x + frame.width + 1.0).contains(&px)
                && (frame.y - 1.0..=frame.y + frame.height + 1.0).contains(&py);
            if inside {
                marked(&page, at, mark, radius, tone)?;
            }
        }
    }
    axes(panel, &mut chart, &page, (&x, &y))?;
    title(panel, &page, frame)?;
    let place = |px: f64, py: f64| has(px, py).then(|| points(plane.map_coordinate(&(px, py))));
    ends::draw(&mut canvas.borrow_mut(), &panel.lines, frame, place);
    let notes = panel.notes.iter().filter(|note| has(note.at.0, note.at.1));
    notes.into_iter().try_for_each(|note| self::note(&page, plane.map_coordinate(&note.at), note))
}

/// The bands of a line; a point alone has none: a bar from edge to edge.
fn bands<'a>(
    plane: &Plane<'a>,
    page: &Area<'a>,
    line: &Line,
    has: &impl Fn(f64, f64) -> bool,
) -> Drawn {
    let (Some((low, high)), Some(stroke)) = (&line.band, line.stroke) else { return Ok(()) };
    for outline in breaks::areas(&line.x, low, high, has) {
        plane.draw(&Polygon::new(outline, ink(stroke.tone, BAND)))?;
    }
    let bar = pen(Stroke { dash: LineStyle::Solid, width: 0.7, ..stroke });
    let edge = |y: &[f64]| breaks::points(&line.x, y, has);
    let (low, high) = (edge(low), edge(high));
    for k in breaks::alone(&low) {
        let (Some(low), Some(high)) = (low[k], high[k]) else { continue };
        plane.draw(&PathElement::new(vec![low, high], bar))?;
        for (x, y) in [low, high].map(|end| plane.map_coordinate(&end)) {
            let cap = vec![(x - pixels(CAP), y), (x + pixels(CAP), y)];
            page.draw(&PathElement::new(cap, bar))?;
        }
    }
    Ok(())
}

/// The pieces of a line; a point alone is none: where it has no mark it gets one.
fn curve<'a>(
    plane: &Plane<'a>,
    page: &Area<'a>,
    line: &Line,
    has: &impl Fn(f64, f64) -> bool,
) -> Drawn {
    let Some(stroke) = line.stroke else { return Ok(()) };
    let points = breaks::points(&line.x, &line.y, has);
    for piece in breaks::pieces(&points) {
        plane.draw(&PathElement::new(piece, pen(stroke)))?;
    }
    if line.marks.is_none() {
        for at in breaks::alone(&points).into_iter().filter_map(|k| points[k]) {
            marked(page, plane.map_coordinate(&at), Mark::Disc, ALONE, stroke.tone)?;
        }
    }
    Ok(())
}

/// A mark at a pixel.
fn marked(page: &Area, (x, y): (i32, i32), mark: Mark, radius: f64, tone: Tone) -> Drawn {
    let style = ink(tone, 1.0);
    let corner = |(dx, dy): &Point| (x + pixels(dx * radius), y + pixels(dy * radius));
    match mark.corners() {
        [] => page.draw(&Circle::new((x, y), pixels(radius), style))?,
        corners => {
            page.draw(&Polygon::new(corners.iter().map(corner).collect::<Vec<_>>(), style))?
        }
    }
    Ok(())
}

/// The axes with ticks, smaller ticks and labels.
fn axes<'a>(
    panel: &Panel,
    chart: &mut Chart<'a>,
    page: &Area<'a>,
    (x, y): (&Fitted, &Fitted),
) -> Drawn {
    let label = |size: f64| letters(Tone::Ink, size, Anchor::Middle);
    chart
        .configure_mesh()
        .disable_mesh()
        .axis_style(pen(FRAME))
        .set_all_tick_mark_size(pixels(TICK))
        .label_style(label(SMALL))
        .axis_desc_style(label(SIZE))
        .x_desc(&panel.x.label)
        .y_desc(&panel.y.label)
        .draw()?;
    let (columns, rows) = chart.plotting_area().get_pixel_range();
    let (left, bottom, small) = (columns.start, rows.end - 1, pixels(0.55 * TICK));
    let style = pen(FRAME.wide(0.4));
    let minor = |axis: &Fitted| axis.minor.iter().copied().filter(|v| axis.shows(*v)).collect();
    let (across, up): (Vec<f64>, Vec<f64>) = (minor(x), minor(y));
    for at in across.into_iter().map(|v| chart.backend_coord(&(v, y.start())).0) {
        page.draw(&PathElement::new(vec![(at, bottom), (at, bottom + small)], style))?;
    }
    for at in up.into_iter().map(|v| chart.backend_coord(&(x.start(), v)).1) {
        page.draw(&PathElement::new(vec![(left, at), (left - small, at)], style))?;
    }
    Ok(())
}

fn title(panel: &Panel, page: &Area, frame: Rect) -> Drawn {
    let (lines, size) = heading(&panel.title, frame.width);
    for (k, line) in lines.iter().rev().enumerate() {
        let base = frame.y - 0.6 * SIZE - k as f64 * HEADING;
        let at = pixel((frame.x + 0.5 * frame.width, base - MIDDLE * size));
        page.draw(&Text::new(line.as_str(), at, letters(Tone::Ink, size, Anchor::Middle)))?;
    }
    Ok(())
}

/// A text inside the panel, on paper of its own.
fn note(page: &Area, (x, y): (i32, i32), note: &Note) -> Drawn {
    let wide = Canvas::width(&note.text, SMALL);
    let from = x - match note.anchor {
        Anchor::Start => 0,
        Anchor::Middle => pixels(0.5 * wide),
        Anchor::End => pixels(wide),
    };
    let (above, below) = (pixels((0.8 - MIDDLE) * SMALL), pixels((0.3 + MIDDLE) * SMALL));
    let (edge, right) = (pixels(1.0), pixels(wide + 1.0));
    page.draw(&Rectangle::new([(from - edge, y - above), (from + right, y + below)], paper()))?;
    page.draw(&Text::new(note.text.as_str(), (from, y), letters(note.tone, SMALL, Anchor::Start)))?;
    Ok(())
}
