//! The clients of OpenAI as PyPI and npm have them, unmodified.
//!
//! They are installed below the target folder, once. Where they cannot be installed the test says SKIP and why.

use std::process::Command;

use crate::{
    fake::Fake,
    install::{javascript, python, run, sources},
    world::{World, limits},
};

/// Runs a client's own checks against a gateway, outside of the runtime that serves it.
async fn drive(prepare: fn() -> Result<Command, String>) {
    let command = tokio::task::spawn_blocking(prepare).await.expect("ends");
    let mut command = match command {
        Ok(command) => command,
        Err(why) => return println!("SKIP: the client cannot be installed: {why}"),
    };
    let fake = Fake::start().await;
    let world = World::before(&[&fake]).await;
    let poor = world.new_key(limits("0.05usd")).await;
    command.args([format!("{}/v1", world.url), world.key.clone(), poor]);
    let said = tokio::task::spawn_blocking(move || run(&mut command))
        .await
        .expect("ends");
    match said {
        Ok(said) => println!("{said}"),
        Err(why) => panic!("{why}"),
    }
    assert!(world.settled().await.key.requests >= 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_python_client_works_unmodified() {
    drive(|| {
        let mut command = Command::new(python()?);
        command.arg(sources().join("chat.py"));
        Ok(command)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_javascript_client_works_unmodified() {
    drive(|| {
        let mut command = Command::new("node");
        command.arg("chat.mjs").current_dir(javascript()?);
        Ok(command)
    })
    .await;
}
