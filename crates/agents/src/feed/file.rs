//! Prices from a file, played back with the pauses that they were recorded with.
//!
//! CSV with the header `timeMs,assetId,price,confidenceBps` (the last column may be absent), or one JSON object a line with
//! the same names. Lines of one time are one report. Read line by line, so a file may be of any length.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Lines},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use super::{FeedError, Quote, parse_price};

const HEADER: &str = "timeMs,assetId,price";

/// A file that is being played.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    lines: Lines<BufReader<File>>,
    line: u64,
    /// How many times faster than recorded.
    speed: f64,
    /// The first row of the next report.
    ahead: Option<Row>,
    now_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    time_ms: u64,
    quote: Quote,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct JsonRow {
    time_ms: u64,
    asset_id: u32,
    /// A string keeps every digit; a number is read as it stands.
    price: serde_json::Value,
    #[serde(default)]
    confidence_bps: u16,
}

impl Recording {
    /// Opens a recording, to be played `speed` times as fast as it was recorded.
    ///
    /// # Errors
    /// The file cannot be read, or its first line is wrong.
    pub fn open(path: &Path, speed: f64) -> Result<Self, FeedError> {
        if !(speed.is_finite() && speed > 0.0) {
            return Err(FeedError::Settings(format!(
                "speed {speed} is not above zero"
            )));
        }
        let file = File::open(path).map_err(|error| FeedError::File {
            path: path.to_owned(),
            why: error.to_string(),
        })?;
        let mut recording = Self {
            path: path.to_owned(),
            lines: BufReader::new(file).lines(),
            line: 0,
            speed,
            ahead: None,
            now_ms: None,
        };
        recording.ahead = recording.read()?;
        if recording.ahead.is_none() {
            return Err(FeedError::File {
                path: path.to_owned(),
                why: "it holds no price".to_owned(),
            });
        }
        Ok(recording)
    }

    pub(super) async fn next(&mut self) -> Result<Option<Vec<Quote>>, FeedError> {
        let Some((time_ms, quotes)) = self.report()? else {
            return Ok(None);
        };
        if let Some(before_ms) = self.now_ms.replace(time_ms) {
            let pause = Duration::from_millis(time_ms - before_ms).div_f64(self.speed);
            tokio::time::sleep(pause).await;
        }
        Ok(Some(quotes))
    }

    /// All rows of the next time.
    pub(super) fn report(&mut self) -> Result<Option<(u64, Vec<Quote>)>, FeedError> {
        let Some(first) = self.ahead.take() else {
            return Ok(None);
        };
        let mut quotes = vec![first.quote];
        while let Some(row) = self.read()? {
            if row.time_ms < first.time_ms {
                return Err(self.wrong(format!("time {} is before {}", row.time_ms, first.time_ms)));
            }
            if row.time_ms > first.time_ms {
                self.ahead = Some(row);
                break;
            }
            if quotes
                .iter()
                .any(|quote| quote.asset_id == row.quote.asset_id)
            {
                return Err(self.wrong(format!("asset {} twice at one time", row.quote.asset_id)));
            }
            quotes.push(row.quote);
        }
        Ok(Some((first.time_ms, quotes)))
    }

    fn read(&mut self) -> Result<Option<Row>, FeedError> {
        loop {
            self.line += 1;
            let Some(text) = self.lines.next() else {
                return Ok(None);
            };
            let text = text.map_err(|error| self.wrong(error.to_string()))?;
            let text = text.trim();
            if text.is_empty() || (self.line == 1 && text.starts_with(HEADER)) {
                continue;
            }
            return match text.starts_with('{') {
                true => self.json(text),
                false => self.csv(text),
            }
            .map(Some);
        }
    }

    fn json(&self, text: &str) -> Result<Row, FeedError> {
        let row: JsonRow =
            serde_json::from_str(text).map_err(|error| self.wrong(error.to_string()))?;
        let price = match &row.price {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        self.row(row.time_ms, row.asset_id, &price, row.confidence_bps)
    }

    fn csv(&self, text: &str) -> Result<Row, FeedError> {
        let cells: Vec<_> = text.split(',').map(str::trim).collect();
        let (time, asset, price, confidence) = match cells[..] {
            [time, asset, price] => (time, asset, price, "0"),
            [time, asset, price, confidence] => (time, asset, price, confidence),
            _ => {
                return Err(self.wrong(format!(
                    "{} cells; the columns are {HEADER},confidenceBps",
                    cells.len()
                )));
            }
        };
        let number = |name: &str, cell: &str| {
            cell.parse::<u64>()
                .map_err(|_| self.wrong(format!("{name} `{cell}` is no number")))
        };
        let narrow = |name: &str| self.wrong(format!("{name} is out of range"));
        self.row(
            number("timeMs", time)?,
            u32::try_from(number("assetId", asset)?).map_err(|_| narrow("assetId"))?,
            price,
            u16::try_from(number("confidenceBps", confidence)?)
                .map_err(|_| narrow("confidenceBps"))?,
        )
    }

    fn row(
        &self,
        time_ms: u64,
        asset_id: u32,
        price: &str,
        confidence_bps: u16,
    ) -> Result<Row, FeedError> {
        let price = parse_price(price).map_err(|error| self.wrong(error.to_string()))?;
        let quote = Quote {
            asset_id,
            price,
            confidence_bps,
        };
        Ok(Row { time_ms, quote })
    }

    fn wrong(&self, why: String) -> FeedError {
        FeedError::Line {
            path: self.path.clone(),
            line: self.line,
            why,
        }
    }
}
