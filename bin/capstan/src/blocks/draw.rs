//! One block as lanes of parallel work: a core to a lane, time to the right in gas, and the hottest places named once.
//!
//! ```text
//!   core 0  ▇▇▇▇ ▇▇▇ ▇▇▇▇▇▇          ■ the colour of the hottest place that it waits at
//!   core 1  ▇▇      ▇▇▇▇             ▢ framed: of the longest chain of waiting
//! ```

use std::fmt::Write as _;

use super::{
    shapes::{Made, Record, Row},
    told::{Told, counted, name, times},
};
use crate::table::Table;

/// Lanes that are drawn at most, whatever a node says of its cores.
const LANES_MAX: usize = 256;
const WIDTH: u64 = 1_200;
const LABEL_WIDTH: u64 = 70;
const LANE_HEIGHT: u64 = 18;
const LINE_HEIGHT: u64 = 20;
const TOP: u64 = 64;
/// Colours of the hottest places, told apart also by people who see no red and green.
const COLOURS: [&str; 6] = [
    "#d55e00", "#0072b2", "#cc79a7", "#e69f00", "#009e73", "#56b4e9",
];
const FRAME: &str = r##" stroke="#24292f" stroke-width="1.5""##;
/// Whoever waits at no such place, and whoever waits for nobody.
const OTHER: &str = "#8a8f98";
const FREE: &str = "#c9ced6";

/// The drawing.
pub(super) fn svg(record: &Record) -> String {
    let Some(made) = &record.record else {
        return nothing(record);
    };
    let end = record
        .transactions
        .iter()
        .map(end_gas)
        .max()
        .unwrap_or(0)
        .max(1);
    let lanes = record
        .transactions
        .iter()
        .map(|row| row.core.min(LANES_MAX - 1) + 1)
        .max()
        .unwrap_or(1);
    let below = TOP + lanes as u64 * LANE_HEIGHT + 24;
    let legend = legend(record, made);
    let height = below + legend.len() as u64 * LINE_HEIGHT;
    let mut text = open(height, &format!("Block {}", record.block_number.0));
    let _ = writeln!(
        text,
        r#"<text x="12" y="24" class="head">Block {}: {} as a projection on {}</text>
<text x="12" y="46" class="small">time to the right, in gas; critical path {} gas, parallelism {}; a projection from gas, not a measurement</text>"#,
        record.block_number.0,
        counted(record.transactions.len() as u64, "transaction"),
        counted(made.schedule_cores as u64, "core"),
        made.critical_gas.0,
        times(made.parallelism_milli),
    );
    for lane in 0..lanes {
        let y = TOP + lane as u64 * LANE_HEIGHT + 13;
        let _ = writeln!(
            text,
            r#"<text x="12" y="{y}" class="small">core {lane}</text>"#
        );
    }
    for row in &record.transactions {
        bar(&mut text, row, made, end);
    }
    for (line, y) in legend.iter().zip((below..).step_by(LINE_HEIGHT as usize)) {
        line.draw(&mut text, y);
    }
    text + "</svg>\n"
}

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:24px;max-width:1240px;color:#24292f}svg{width:100%;height:auto}\
    h2{font-size:16px;margin:24px 0 4px}.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}\
    th,td{padding:2px 12px 2px 0;text-align:right;white-space:nowrap;border-bottom:1px solid #d0d7de}\
    th:first-child,td:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:12em}";

/// The drawing and the tables in a page of their own.
pub(super) fn html(record: &Record, told: &Told) -> String {
    let mut text = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>Block {}</title>\n<style>{STYLE}</style>\n{}",
        record.block_number.0,
        svg(record),
    );
    for line in &told.lines {
        let _ = writeln!(text, "<p>{}</p>", escape(line));
    }
    for (what, table) in &told.tables {
        let _ = writeln!(text, "<h2>{}</h2>", escape(what));
        rows(&mut text, table);
    }
    text + "</html>\n"
}

/// A table whose first row are its heads.
fn rows(text: &mut String, table: &Table) {
    *text += "<div class=\"wide\"><table>\n";
    for (index, row) in table.rows().iter().enumerate() {
        let cell = match index {
            0 => "th",
            _ => "td",
        };
        let cells = row
            .iter()
            .map(|words| format!("<{cell}>{}</{cell}>", escape(words)));
        let _ = writeln!(text, "<tr>{}</tr>", cells.collect::<String>());
    }
    *text += "</table></div>\n";
}

fn open(height: u64, title: &str) -> String {
    format!(
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{title}">
<style>text{{font:12px system-ui,sans-serif;fill:#24292f}}.head{{font-size:16px;font-weight:600}}.small{{font-size:11px;fill:#57606a}}</style>
<rect width="{WIDTH}" height="{height}" fill="white"/>
"#
    )
}

fn nothing(record: &Record) -> String {
    let mut text = open(60, "no record");
    let _ = writeln!(
        text,
        r#"<text x="12" y="30">Block {} has no record here: the state before it is no longer kept</text>"#,
        record.block_number.0
    );
    text + "</svg>\n"
}

fn start_gas(row: &Row) -> u64 {
    row.start_gas.map_or(0, |start| start.0)
}

fn end_gas(row: &Row) -> u64 {
    start_gas(row).saturating_add(row.gas_used.0)
}

fn bar(text: &mut String, row: &Row, made: &Made, end: u64) {
    let room = WIDTH - LABEL_WIDTH - 12;
    let at = |gas: u64| {
        let x = u128::from(gas) * u128::from(room) * 10 / u128::from(end);
        u64::try_from(x).unwrap_or(u64::MAX)
    };
    let (from, to) = (at(start_gas(row)), at(end_gas(row)));
    let (x, width) = (LABEL_WIDTH * 10 + from, (to - from).max(5));
    let y = TOP + row.core as u64 * LANE_HEIGHT;
    let frame = if row.is_critical { FRAME } else { "" };
    let _ = writeln!(
        text,
        r#"<rect x="{}.{}" y="{y}" width="{}.{}" height="{}" fill="{}"{frame}><title>{}: {}, {} gas</title></rect>"#,
        x / 10,
        x % 10,
        width / 10,
        width % 10,
        LANE_HEIGHT - 4,
        colour(row, made),
        row.index.0,
        escape(&row.title),
        row.gas_used.0,
    );
}

/// By the hottest place at which it waits.
fn colour(row: &Row, made: &Made) -> &'static str {
    let waits_at = |place: usize| row.waits_for.iter().any(|wait| wait.place == Some(place));
    let named = made.hot.iter().zip(COLOURS);
    let mut hottest = named.filter(|(hot, _)| waits_at(hot.place));
    match hottest.next() {
        Some((_, colour)) => colour,
        None if row.waits_for.is_empty() => FREE,
        None => OTHER,
    }
}

/// What a colour or a frame says.
struct Line {
    colour: &'static str,
    is_framed: bool,
    words: String,
}

impl Line {
    fn draw(&self, text: &mut String, y: u64) {
        let frame = if self.is_framed { FRAME } else { "" };
        let _ = writeln!(
            text,
            r#"<rect x="12" y="{}" width="12" height="12" fill="{}"{frame}/><text x="32" y="{y}">{}</text>"#,
            y - 10,
            self.colour,
            escape(&self.words)
        );
    }
}

/// Of the colours that some bar has.
fn legend(record: &Record, made: &Made) -> Vec<Line> {
    let is_drawn = |colour: &str| {
        let mut rows = record.transactions.iter();
        rows.any(|row| self::colour(row, made) == colour)
    };
    let places = made.hot.iter().zip(COLOURS).map(|(hot, colour)| {
        let place = made.places.get(hot.place).map(name).unwrap_or_default();
        let waiting = counted(hot.wait_count.0, "transaction");
        (colour, format!("waits at {place} ({waiting})"))
    });
    let others = [
        (OTHER, "waits at another place".to_owned()),
        (FREE, "waits for nobody".to_owned()),
    ];
    let each = places.chain(others).filter(|(colour, _)| is_drawn(colour));
    let mut lines: Vec<_> = each
        .map(|(colour, words)| Line {
            colour,
            is_framed: false,
            words,
        })
        .collect();
    if record.transactions.iter().any(|row| row.is_critical) {
        lines.push(Line {
            colour: "white",
            is_framed: true,
            words: "framed: of the critical path, the longest chain of waiting".to_owned(),
        });
    }
    lines
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            letter => out.push(letter),
        }
    }
    out
}
