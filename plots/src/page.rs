//! `figures.html`: every picture inline with its caption, its checked statements, its data and the command
//! that makes it again; one file, no network, light and dark, readable on a phone. Its companion
//! `figures.json` holds the statements as data.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use mirrorflow::{Error, Result, VERSION, io::write_atomically};

use crate::{
    Picture, Source,
    style::{
        page_style,
        text::{escape, html},
    },
};

const STYLE: &str = include_str!("page.css");

/// What a page is about.
#[derive(Debug, Clone, Copy)]
pub struct Gallery<'a> {
    /// The pictures, in order.
    pub pictures: &'a [Picture],
    /// What has to be added to `mirrorflow figures NAME` to make a picture again, such as ` --seed 3`.
    pub flags: &'a str,
}

/// Writes `figures.html` and `figures.json` into `folder`.
///
/// # Errors
/// When the folder cannot be written.
pub fn gallery(folder: &Path, gallery: Gallery) -> Result<Vec<PathBuf>> {
    let pictures: Vec<_> = gallery
        .pictures
        .iter()
        .map(|p| {
            serde_json::json!({ "name": p.name, "title": p.title, "caption": p.caption, "seed": p.seed,
                "version": p.version, "config": p.config, "statements": p.statements,
                "data": [format!("{}.npz", p.name), format!("{}.csv", p.name)],
                "command": command(p, gallery.flags) })
        })
        .collect();
    let json = serde_json::json!({ "schema": "mirrorflow-figures/1", "version": VERSION, "figures": pictures });
    let json = serde_json::to_string_pretty(&json).map_err(|e| Error::Domain {
        what: "figures.json".into(),
        expected: "serializable".into(),
        found: e.to_string(),
    })?;
    let mut written = Vec::new();
    for (name, text) in [("figures.html", page(gallery)), ("figures.json", json + "\n")] {
        let path = folder.join(name);
        write_atomically(&path, text.as_bytes())?;
        written.push(path);
    }
    Ok(written)
}

fn command(picture: &Picture, flags: &str) -> String {
    let from = if picture.simulated { "" } else { " --from DIR" };
    format!("mirrorflow figures {}{flags}{from}", picture.name)
}

fn page(gallery: Gallery) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>mirrorflow: the figures</title>\n<style>\n{STYLE}{}</style>\n</head>\n<body>\n\
         <h1>Mask in the Mirror: the figures</h1>\n\
         <p class=\"about\">mirrorflow {VERSION}. Every statement is checked on the data of its figure.</p>\n<nav>",
        page_style()
    );
    for p in gallery.pictures {
        let _ = write!(out, "<a href=\"#{0}\">{0}</a> ", escape(&p.name));
    }
    out.push_str("</nav>\n");
    for picture in gallery.pictures {
        out.push_str(&fragment(picture, gallery.flags, true));
    }
    out.push_str("</body>\n</html>\n");
    out
}

/// One picture as `<figure>`; on a page with [`page_style`]. `files`: whether its data lie beside the page.
pub fn fragment(picture: &Picture, flags: &str, files: bool) -> String {
    let name = escape(&picture.name);
    let mut out =
        format!("<figure id=\"{name}\" class=\"picture\">\n<h2>{}</h2>\n", html(&picture.title));
    let boxes = match &picture.narrow {
        None => vec![("box", &picture.drawing)],
        Some(narrow) => vec![("box wide", &picture.drawing), ("box narrow", narrow)],
    };
    for (class, drawing) in boxes {
        let _ = write!(out, "<div class=\"{class}\">\n{}</div>\n", drawing.svg());
    }
    let _ = writeln!(out, "<figcaption><p>{}</p>", html(&picture.caption));
    if !picture.statements.is_empty() {
        out.push_str("<ul class=\"statements\">\n");
        for s in &picture.statements {
            let (class, verdict) =
                if s.holds { ("holds", "holds") } else { ("fails", "does not hold") };
            let who = if s.source == Source::Paper { "the paper's" } else { "ours" };
            let _ = writeln!(
                out,
                "<li><b class=\"{class}\">{verdict}</b> <span class=\"who\">({who}):</span> {} \
                 <span class=\"numbers\">({})</span></li>",
                html(&s.says),
                html(&s.numbers())
            );
        }
        out.push_str("</ul>\n");
    }
    let made = match picture.version.as_str() {
        "" => "Data from elsewhere".to_owned(),
        version => format!("Made by mirrorflow {}", escape(version)),
    };
    let seed = picture.seed.map_or(String::new(), |s| format!(", seed {s}"));
    let data = if files {
        format!(
            "Data: <a href=\"{name}.npz\">{name}.npz</a>, <a href=\"{name}.csv\">{name}.csv</a>; \
             <a href=\"{name}.pdf\">PDF</a>, <a href=\"{name}.svg\">SVG</a>, <a href=\"{name}.png\">PNG</a>. "
        )
    } else {
        String::new()
    };
    let _ = writeln!(
        out,
        "<p class=\"made\">{data}{made}{seed}. Again: <code>{}</code></p>",
        escape(&command(picture, flags))
    );
    if !picture.config.is_null() {
        let config = escape(&picture.config.to_string());
        let _ = writeln!(
            out,
            "<details><summary>configuration</summary><code>{config}</code></details>"
        );
    }
    out.push_str("</figcaption>\n</figure>\n");
    out
}
