//! The page, as a browser meets the program that carries it.

use capstan_testing::process::Node;
use reqwest::{Client, Method, Response};
use serde_json::json;

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn ask(node: &Node, method: Method, path: &str, accept: &str) -> Response {
    let url = format!("{}{path}", node.url());
    let request = Client::new().request(method, url).header("accept", accept);
    request.send().await.expect("an answer")
}

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    let value = answer.headers().get(name);
    value.map_or("", |value| value.to_str().expect("text"))
}

/// RPC-30, RPC-32
#[tokio::test]
async fn a_browser_gets_the_page_where_tools_get_rpc() {
    let node = Node::start(&["dev", "--empty"]).await.expect("started");
    for path in [
        "/",
        "/markets",
        "/account/0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266",
    ] {
        let page = ask(&node, Method::GET, path, BROWSER).await;
        assert_eq!(page.status(), 200, "{path}");
        assert_eq!(header(&page, "content-type"), "text/html; charset=utf-8");
        let policy = header(&page, "content-security-policy");
        assert!(policy.contains("connect-src 'self'"), "{policy}");
        let text = page.text().await.expect("text");
        assert!(text.contains("Capstan"), "{path}: {text}");
    }
    let door = ask(&node, Method::HEAD, "/", BROWSER).await;
    assert_eq!(header(&door, "content-type"), "text/html; charset=utf-8");
    assert!(door.text().await.expect("text").is_empty());
    // Whoever reads no pages is greeted in words, as before.
    let greeting = ask(&node, Method::GET, "/", "*/*").await;
    assert_eq!(
        header(&greeting, "content-type"),
        "text/plain; charset=utf-8"
    );
    let missing = ask(&node, Method::GET, "/assets/gone-00.js", BROWSER).await;
    assert_eq!(missing.status(), 404);
    let chain = node.rpc("eth_chainId", json!([])).await.expect("answer");
    assert_eq!(chain, json!("0x7a69"));
}
