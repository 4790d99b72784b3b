//! Rules as sequences of looks; channels against a small server and a small program.

use alloy_primitives::{Address, U256};
use capstan_client::AccountName;
use capstan_units::parse_decimal;
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

use super::{Channel, News, Rules, RulesError, Seen, Warning, tell, tell::letter};

const NAME: AccountName = AccountName {
    owner: Address::repeat_byte(7),
    index: 2,
};

fn wad(text: &str) -> U256 {
    parse_decimal(text, 18).expect("a number")
}

fn seen(health: &str) -> Seen {
    Seen::Account {
        health: (health != "none").then(|| wad(health)),
        room_to_fall_bps: 1_234,
        on_offer: false,
    }
}

/// Looks at `rules` with each health, and compares what was said in short.
#[track_caller]
fn check(levels: &str, looks: &[(&str, &str)]) {
    let mut rules = Rules::new(levels, 3).expect("levels");
    for (at, (health, expected)) in looks.iter().enumerate() {
        let said: Vec<_> = rules.news(&seen(health)).iter().map(short).collect();
        assert_eq!(said.join(" "), *expected, "look {at} at {health}");
    }
}

fn short(warning: &Warning) -> String {
    match warning {
        Warning::Below { level, .. } => format!("<{}", capstan_units::decimal(*level, 18)),
        Warning::Above { level, .. } => format!(">{}", capstan_units::decimal(*level, 18)),
        Warning::OnOffer => "offer".into(),
        Warning::OffOffer => "over".into(),
        Warning::Blind { .. } => "blind".into(),
        Warning::Sees => "sees".into(),
    }
}

/// WATCH-1
#[test]
fn a_level_is_told_once_until_health_has_clearly_recovered() {
    check(
        "1.5, 1.2",
        &[
            ("2", ""),
            ("1.5", ""),
            ("1.4999", "<1.5"),
            ("1.4", ""),
            ("1.51", ""),
            ("1.49", ""),
            ("1.53", ">1.5"),
            ("1.49", "<1.5"),
            ("1.1", "<1.2"),
            ("1.21", ""),
            ("1.23", ">1.2"),
            ("none", ">1.5"),
            ("1.1", "<1.2"),
            ("9", ">1.5"),
        ],
    );
}

/// WATCH-1: a fall through several levels is one warning, of the lowest.
#[test]
fn a_fall_is_one_warning() {
    check(
        "1.05,1.5,1.2,1.2",
        &[("1.01", "<1.05"), ("1.01", ""), ("1.3", ">1.2")],
    );
}

/// WATCH-2
#[test]
fn what_cannot_be_seen_is_told_once() {
    let mut rules = Rules::new("1.5", 3).expect("levels");
    let nothing = Seen::Nothing("no node".into());
    let mut said = |seen: &Seen| -> Vec<_> { rules.news(seen).iter().map(short).collect() };
    assert!(said(&nothing).is_empty() && said(&nothing).is_empty());
    assert_eq!(said(&nothing), ["blind"]);
    assert!(said(&nothing).is_empty());
    assert_eq!(said(&seen("1.4")), ["sees", "<1.5"]);
    assert!(said(&nothing).is_empty());
    assert!(said(&seen("1.4")).is_empty());
}

/// WATCH-3
#[test]
fn a_liquidation_is_told() {
    let mut rules = Rules::new("1.5", 3).expect("levels");
    let on_offer = Seen::Account {
        health: Some(wad("0.9")),
        room_to_fall_bps: 0,
        on_offer: true,
    };
    let said: Vec<_> = rules.news(&on_offer).iter().map(short).collect();
    assert_eq!(said, ["<1.5", "offer"]);
    assert!(rules.news(&on_offer).is_empty());
    let said: Vec<_> = rules.news(&seen("1.1")).iter().map(short).collect();
    assert_eq!(said, ["over"]);
}

#[test]
fn levels_are_above_one() {
    let wrong = |text: &str| Rules::new(text, 3).expect_err("wrong");
    assert!(matches!(wrong("1"), RulesError::TooLow { .. }));
    assert!(matches!(wrong("0.9,2"), RulesError::TooLow { .. }));
    assert!(matches!(wrong("soon"), RulesError::Level { .. }));
    assert!(matches!(wrong(""), RulesError::Level { .. }));
}

#[test]
fn warnings_say_what_to_do() {
    let warning = Warning::Below {
        level: wad("1.2"),
        health: wad("1.19876"),
        room_to_fall_bps: 1_234,
    };
    let news = News::new(NAME, warning);
    let text = news.text();
    assert!(
        text.contains("health 1.1987 is below 1.2") && text.contains("12.34 %"),
        "{text}"
    );
    let json = news.json();
    assert_eq!(
        (&json["kind"], &json["level"], &json["index"]),
        (&"below".into(), &"1.2".into(), &2.into())
    );
    // What a node says becomes no header of a mail.
    let why = "x\r\nBcc: everybody@example.org".to_owned();
    let mail = letter("me@example.org", &News::new(NAME, Warning::Blind { why }));
    assert!(!mail.contains("\nBcc"), "{mail}");
}

/// WATCH-4
#[tokio::test]
async fn a_webhook_is_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        let mut bodies = Vec::new();
        for status in ["500 Oh", "200 OK"] {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut bytes = vec![0; 4_096];
            let mut read = 0;
            // Head and body may come apart.
            while !String::from_utf8_lossy(&bytes[..read]).contains("\"text\"") {
                read += stream.read(&mut bytes[read..]).await.expect("read");
            }
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.expect("written");
            bodies.push(String::from_utf8_lossy(&bytes[..read]).into_owned());
        }
        bodies
    });
    let news = News::new(NAME, Warning::OnOffer);
    tell(&Channel::Webhook(url), &news).await.expect("told");
    let bodies = server.await.expect("no panic");
    assert!(bodies.iter().all(|body| body.contains("onOffer")));
}

/// WATCH-4
#[tokio::test]
async fn a_mail_goes_through_a_program() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mail");
    let words = |text: String| vec!["sh".to_owned(), "-c".to_owned(), text];
    let mail = |command| Channel::Mail {
        command,
        to: "me@example.org".into(),
    };
    let news = News::new(NAME, Warning::OnOffer);
    let kept = mail(words(format!("cat > {}", file.display())));
    tell(&kept, &news).await.expect("told");
    let sent = std::fs::read_to_string(&file).expect("a mail");
    assert!(
        sent.starts_with("To: me@example.org\r\nSubject: capstan: account 2 of"),
        "{sent}"
    );
    let failed = tell(&mail(words("exit 3".into())), &news)
        .await
        .expect_err("failed");
    assert!(failed.to_string().contains("exit status: 3"), "{failed}");
}

proptest! {
    /// WATCH-1: what was said last about a level is true of what was seen last, within the calm above it.
    #[test]
    fn words_follow_health(looks in proptest::collection::vec(1_000_u64..2_000, 1..50)) {
        let mut rules = Rules::new("1.5,1.2", 3).expect("levels");
        let mut below = 0_usize;
        for look in looks {
            let health = U256::from(look) * U256::from(10_u64.pow(15));
            let seen = Seen::Account { health: Some(health), room_to_fall_bps: 0, on_offer: false };
            for warning in rules.news(&seen) {
                match warning {
                    Warning::Below { level, .. } => {
                        prop_assert!(health < level);
                        below = if level == wad("1.2") { 2 } else { 1 };
                    }
                    Warning::Above { level, .. } => {
                        prop_assert!(health >= level);
                        below = usize::from(level == wad("1.2"));
                    }
                    other => prop_assert!(false, "{:?}", other),
                }
            }
            let least = usize::from(look < 1_500) + usize::from(look < 1_200);
            prop_assert!(below >= least);
        }
    }
}
