use std::{io::Write as _, time::Duration};

use futures::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::*;

const USD: u128 = 1_000_000_000_000_000_000;

/// FEED-1
#[test]
fn prices_are_read_to_the_last_digit() {
    for (text, price) in [
        ("1", USD),
        ("2000.5", 2_000 * USD + USD / 2),
        (" 0.000000000000000001 ", 1),
        ("0.0000000000000000019", 1),
        ("1e-5", USD / 100_000),
        ("1.5E3", 1_500 * USD),
        ("12e-1", USD * 12 / 10),
        ("007", 7 * USD),
        ("5192296858534827.628530496329220095", (1 << 112) - 1),
    ] {
        assert_eq!(parse_price(text).unwrap(), price, "{text}");
        assert_eq!(parse_price(&show_price(price)).unwrap(), price);
    }
    for text in [
        "",
        ".",
        "-1",
        "+1",
        "1.2.3",
        "0",
        "0.0",
        "1e-19",
        "nan",
        "1e",
        "1e999999999999",
        "1e61",
        "0x10",
        "5192296858534827.628530496329220096",
        "1_000",
        "1,5",
    ] {
        assert!(parse_price(text).is_err(), "{text}");
    }
    assert_eq!(show_price(USD), "1");
    assert_eq!(show_price(USD / 4), "0.25");
}

fn written(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    file
}

fn all(recording: &mut Recording) -> Result<Vec<(u64, Vec<Quote>)>, FeedError> {
    let mut reports = Vec::new();
    while let Some(report) = recording.report()? {
        reports.push(report);
    }
    Ok(reports)
}

#[test]
fn recordings_in_csv_and_json_say_the_same() {
    let csv =
        "timeMs,assetId,price,confidenceBps\n1000,1,2000.5,10\n1000,2,1,0\n\n2500,1,2001,10\n";
    let json = r#"
{"timeMs": 1000, "assetId": 1, "price": "2000.5", "confidenceBps": 10}
{"timeMs": 1000, "assetId": 2, "price": 1}
{"timeMs": 2500, "assetId": 1, "price": 2001, "confidenceBps": 10}"#;
    let quote = |asset_id, price, confidence_bps| Quote {
        asset_id,
        price,
        confidence_bps,
    };
    let expected = vec![
        (
            1_000,
            vec![quote(1, 2_000 * USD + USD / 2, 10), quote(2, USD, 0)],
        ),
        (2_500, vec![quote(1, 2_001 * USD, 10)]),
    ];
    for text in [csv, json] {
        let file = written(text);
        let mut recording = Recording::open(file.path(), 1.0).expect("opened");
        assert_eq!(all(&mut recording).expect("read"), expected);
    }
}

/// FEED-4
#[test]
fn a_broken_recording_names_its_line() {
    for (text, line, why) in [
        ("1,1,1\n2,1,x\n", 2, "not a price"),
        ("5,1,1\n4,1,1\n", 2, "before"),
        ("5,1,1\n5,1,2\n", 2, "twice"),
        ("1,1\n", 1, "2 cells"),
        ("a,1,1\n", 1, "timeMs"),
        ("1,4294967296,1\n", 1, "assetId"),
        ("{\"timeMs\": 1}\n", 1, "missing field"),
        (
            "{\"timeMs\": 1, \"assetId\": 1, \"price\": [], \"confidenceBps\": 1}\n",
            1,
            "not a price",
        ),
    ] {
        let file = written(text);
        let result =
            Recording::open(file.path(), 1.0).and_then(|mut recording| all(&mut recording));
        let error = result.expect_err(text).to_string();
        assert!(
            error.contains(&format!("line {line}:")) && error.contains(why),
            "{text}: {error}"
        );
    }
    let missing = Recording::open("/nowhere/at/all".as_ref(), 1.0).expect_err("no file");
    assert!(missing.to_string().contains("/nowhere/at/all"));
    assert!(Recording::open("/dev/null".as_ref(), 0.0).is_err());
}

#[tokio::test]
async fn a_recording_keeps_its_pauses() {
    let file = written("1000,1,1\n1400,1,2\n");
    let mut recording = Recording::open(file.path(), 2.0).expect("opened");
    assert!(recording.next().await.expect("read").is_some());
    let begun = std::time::Instant::now();
    assert!(recording.next().await.expect("read").is_some());
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert!(recording.next().await.expect("read").is_none());
}

fn market(seed: u64, correlation: f64) -> MarketSettings {
    let asset = |asset_id, price| Simulated {
        asset_id,
        price,
        volatility: 0.8,
    };
    MarketSettings {
        seed,
        every: Duration::from_secs(1),
        correlation,
        jumps_per_day: 100.0,
        jump_size: 0.05,
        assets: vec![asset(1, 2_000.0), asset(2, 60_000.0)],
    }
}

#[test]
fn a_market_is_repeatable_and_its_assets_move_together() {
    let path = |settings| {
        let mut market = Market::new(settings).expect("a market");
        (0..5_000).map(|_| market.step()).collect::<Vec<_>>()
    };
    assert_eq!(path(market(7, 0.5)), path(market(7, 0.5)));
    assert_ne!(path(market(7, 0.5)), path(market(8, 0.5)));
    // How often both go the same way: half of the time alone, nearly always together.
    let together = |correlation| {
        let path = path(MarketSettings {
            jumps_per_day: 0.0,
            ..market(7, correlation)
        });
        let same = path.windows(2).filter(|pair| {
            let up = |at: usize| pair[1][at].price > pair[0][at].price;
            up(0) == up(1)
        });
        same.count()
    };
    assert!((2_300..2_700).contains(&together(0.0)), "{}", together(0.0));
    assert!(together(0.99) > 4_500, "{}", together(0.99));
    // Jumps of five percent happen, and nothing larger.
    let moves: Vec<_> = path(market(7, 0.5))
        .windows(2)
        .map(|pair| pair[1][0].price as f64 / pair[0][0].price as f64)
        .collect();
    assert!(moves.iter().any(|m| (m - 1.0).abs() > 0.045));
    assert!(moves.iter().all(|m| (m - 1.0).abs() < 0.06));
    for wrong in [
        MarketSettings {
            correlation: 1.5,
            ..market(1, 0.0)
        },
        MarketSettings {
            assets: vec![],
            ..market(1, 0.0)
        },
        MarketSettings {
            every: Duration::ZERO,
            ..market(1, 0.0)
        },
        MarketSettings {
            jump_size: 1.0,
            ..market(1, 0.0)
        },
        MarketSettings {
            assets: vec![market(1, 0.0).assets[0]; 2],
            ..market(1, 0.0)
        },
    ] {
        assert!(Market::new(wrong).is_err());
    }
}

/// Answers every HTTP request with the next of these bodies; the last one stays.
async fn serve(bodies: Vec<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!(
        "http://{}/price",
        listener.local_addr().expect("an address")
    );
    tokio::spawn(async move {
        for at in 0.. {
            let Ok((mut stream, _)) = listener.accept().await else {
                return;
            };
            let mut request = [0; 1_024];
            let _ = stream.read(&mut request).await;
            let body = bodies[at.min(bodies.len() - 1)];
            let status = if body.is_empty() {
                "500 Broken"
            } else {
                "200 OK"
            };
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    url
}

/// Greets, waits for a subscription, then sends these messages.
async fn stream(messages: Vec<&'static str>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ws://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut socket = tokio_tungstenite::accept_async(stream)
            .await
            .expect("a handshake");
        socket.send("{\"hello\": true}".into()).await.expect("sent");
        let wish = socket.next().await.expect("a wish").expect("read");
        assert_eq!(
            wish.into_text().expect("text").as_str(),
            "{\"subscribe\": 1}"
        );
        for message in messages {
            socket.send(message.into()).await.expect("sent");
        }
        std::future::pending::<()>().await;
    });
    url
}

/// Quotes until one of the asset satisfies `done`.
async fn until(web: &mut Web, asset_id: u32, done: impl Fn(Option<Quote>) -> bool) {
    for _ in 0..200 {
        let quotes = web.next().await;
        if done(quotes.into_iter().find(|quote| quote.asset_id == asset_id)) {
            return;
        }
    }
    panic!("asset {asset_id} never came to what was expected");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_asked_and_listened_to() {
    let http = serve(vec![
        r#"{"data": {"last": "2000.25"}}"#,
        r#"{"data": {"last": 2001}}"#,
    ])
    .await;
    let socket = stream(vec!["not json", r#"{"p": 1}"#, r#"{"p": 60000.5}"#]).await;
    let settings = format!(
        r#"
        every = "50ms"
        [[price]]
        asset = 1
        http = "{http}"
        pointer = "/data/last"
        confidenceBps = 7
        [[price]]
        asset = 2
        websocket = "{socket}"
        send = '{{"subscribe": 1}}'
        pointer = "/p"
        [[price]]
        asset = 3
        command = ["echo", '{{"usd": "0.5"}}']
        pointer = "/usd"
        "#
    );
    let settings = WebSettings::from_toml(&settings).expect("settings");
    let mut web = Web::watch(&settings).expect("watching");
    let is =
        |price: u128| move |quote: Option<Quote>| quote.is_some_and(|quote| quote.price == price);
    until(&mut web, 1, is(2_001 * USD)).await;
    until(&mut web, 2, is(60_000 * USD + USD / 2)).await;
    until(&mut web, 3, is(USD / 2)).await;
}

/// FEED-2: a server that fails is a gap: its last price is reported until it is too old, then nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_fails_says_nothing() {
    let http = serve(vec!["3", ""]).await;
    let settings = format!(
        "every = \"50ms\"\n[[price]]\nasset = 1\nhttp = \"{http}\"\npointer = \"\"\nmaxAge = \"300ms\""
    );
    let mut web =
        Web::watch(&WebSettings::from_toml(&settings).expect("settings")).expect("watching");
    until(&mut web, 1, |quote| {
        quote.is_some_and(|quote| quote.price == 3 * USD)
    })
    .await;
    until(&mut web, 1, |quote| quote.is_none()).await;
}

#[test]
fn settings_say_what_is_wrong() {
    let one =
        |line: &str| format!("every = \"1s\"\n[[price]]\nasset = 1\npointer = \"/p\"\n{line}");
    for (text, why) in [
        ("every = 3".to_owned(), "settings"),
        (one(""), "one of http"),
        (one("http = \"https://x\""), "command"),
        (
            one("http = \"http://x\"\nwebsocket = \"ws://x\""),
            "one of http",
        ),
        (one("command = []"), "one of http"),
        (one("http = \"http://x\"\nmaxAge = \"soon\""), "maxAge"),
        (one("http = \"http://x\"\nprice = 1"), "unknown field"),
        (one("http = \"http://x\"").replace("/p", "p"), "pointer"),
        (one("http = \"http://x\"").replace("1s", "0s"), "zero"),
        (
            format!(
                "{}\n[[price]]\nasset = 1\npointer = \"\"\nhttp = \"http://y\"",
                one("http = \"http://x\"")
            ),
            "twice",
        ),
    ] {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        let _guard = runtime.enter();
        let result = WebSettings::from_toml(&text).and_then(|settings| Web::watch(&settings));
        let error = result.expect_err(&text).to_string();
        assert!(error.contains(why), "{text}: {error}");
    }
}

#[test]
fn reports_stand_in_the_order_of_assets() {
    let quote = |asset_id| Quote {
        asset_id,
        price: USD,
        confidence_bps: 1,
    };
    let report = report(7, 8, &[quote(9), quote(2), quote(4)]);
    assert!(report.entries.is_sorted_by_key(|entry| entry.assetId));
    assert!(oracle::check_form(&report).is_ok());
}
