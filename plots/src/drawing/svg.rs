//! A drawing as SVG: text as text, colours also as classes, which a page restyles in the dark.

use base64::Engine as _;

use super::{
    Drawing, Item, PAPER, Point, Rect,
    font::{FAMILY, FONT},
};
use crate::style::text::escape;

/// A number as short as 1/100 allows.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// For a page that has the font.
pub(super) fn inline(drawing: &Drawing) -> String {
    write(drawing, "")
}

/// For a file of its own.
pub(super) fn standalone(drawing: &Drawing) -> String {
    write(drawing, &format!("<style>{}</style>\n", font_face()))
}

/// The CSS that brings the font along.
pub(crate) fn font_face() -> String {
    let font = base64::engine::general_purpose::STANDARD.encode(FONT);
    format!(
        "@font-face{{font-family:\"{FAMILY}\";src:url(data:font/otf;base64,{font}) \
         format(\"opentype\")}}"
    )
}

fn write(drawing: &Drawing, head: &str) -> String {
    let (w, h) = (short(drawing.width), short(drawing.height));
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" width=\"{w}pt\" height=\"{h}pt\" \
         viewBox=\"0 0 {w} {h}\" role=\"img\" font-family=\"{FAMILY}, Latin Modern Math, \
         Latin Modern Roman, serif\">\n{head}<title>{}</title>\n",
        escape(&drawing.title),
    );
    let mut clips = 0;
    for item in &drawing.items {
        clips += usize::from(matches!(item, Item::Clip(_)));
        out.push_str(&element(item, &format!("{}-{clips}", drawing.id)));
        out.push('\n');
    }
    out + "</svg>\n"
}

/// An item as one element; `clip` is the name of the last clip.
fn element(item: &Item, clip: &str) -> String {
    match item {
        Item::Clip(rect) => {
            let path = format!("<clipPath id=\"{clip}\"><rect {}/></clipPath>", corners(rect));
            format!("{path}\n<g clip-path=\"url(#{clip})\">")
        }
        Item::Unclip => "</g>".into(),
        Item::Paper(rect) => {
            let corners = corners(rect);
            format!("<rect class=\"paper\" {corners} fill=\"#fff\" fill-opacity=\"{PAPER}\"/>")
        }
        Item::Path { pieces, stroke } => {
            let look = stroke.tone.look();
            let d: String = pieces.iter().map(|piece| outline(piece)).collect();
            let dash: Vec<String> = stroke.dash.pattern().iter().map(f64::to_string).collect();
            let dash = match dash.join(" ") {
                dash if dash.is_empty() => dash,
                dash => format!(" stroke-dasharray=\"{dash}\""),
            };
            format!(
                "<path class=\"s{}\" d=\"{d}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" \
                 stroke-linejoin=\"round\"{dash}/>",
                look.class,
                look.line,
                short(stroke.width)
            )
        }
        Item::Band { points, tone, opacity } => {
            let (look, d) = (tone.look(), outline(points));
            format!(
                "<path class=\"b{}\" d=\"{d}Z\" fill=\"{}\" fill-opacity=\"{opacity}\"/>",
                look.class, look.line
            )
        }
        Item::Shape { points, tone } => {
            let (look, d) = (tone.look(), outline(points));
            format!("<path class=\"f{}\" fill=\"{}\" d=\"{d}Z\"/>", look.class, look.line)
        }
        Item::Disc { at, radius, tone } => {
            let (look, x, y, r) = (tone.look(), short(at.0), short(at.1), short(*radius));
            format!(
                "<circle class=\"f{}\" fill=\"{}\" cx=\"{x}\" cy=\"{y}\" r=\"{r}\"/>",
                look.class, look.line
            )
        }
        Item::Text { runs, tone, turned } => {
            let look = tone.look();
            let turn = turned.map_or(String::new(), |(x, y)| {
                format!(" transform=\"rotate(-90 {} {})\"", short(x), short(y))
            });
            let spans: String = runs
                .iter()
                .map(|run| {
                    format!(
                        "<tspan x=\"{}\" y=\"{}\" font-size=\"{}\">{}</tspan>",
                        short(run.at.0),
                        short(run.at.1),
                        short(run.size),
                        escape(&run.text)
                    )
                })
                .collect();
            format!("<text class=\"t{}\" fill=\"{}\"{turn}>{spans}</text>", look.class, look.text)
        }
    }
}

fn corners(rect: &Rect) -> String {
    let Rect { x, y, width, height } = rect;
    let [x, y, width, height] = [x, y, width, height].map(|v| short(*v));
    format!("x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"")
}

fn outline(points: &[Point]) -> String {
    let at = |(k, (x, y)): (usize, &Point)| {
        format!("{}{} {}", if k == 0 { "M" } else { "L" }, short(*x), short(*y))
    };
    points.iter().enumerate().map(at).collect()
}
