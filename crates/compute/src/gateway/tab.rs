//! The routes of customers of the network: what is sold, how a channel stands, signing for answers, and what auditors see.

use std::sync::Arc;

use alloy_primitives::B256;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State, rejection::QueryRejection},
    http::HeaderMap,
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Gateway, ModelPrice,
    error::ApiError,
    request::Asked,
    ticket::{Payer, Ticket},
};
use crate::{
    bundled::{is_readable, spell_out},
    keys::Written,
    money::PerMillion,
    tab::{
        Desk, Desks, ERRAND, INSPECTION, Kept, Raise, Rate, Said, Standing, Terms, Turned,
        dollars_of, of_hex,
    },
    upstream::Model,
};

type Shared = State<Arc<Gateway>>;

pub(super) fn routes(gateway: Arc<Gateway>) -> Router {
    Router::new()
        .route("/v1/capstan/tab", get(terms))
        .route("/v1/capstan/tab/{channel}", get(standing).post(raise))
        .route("/v1/capstan/audit/{receipt}", get(kept))
        .with_state(gateway)
}

fn desks(gateway: &Gateway) -> Result<&Arc<Desks>, ApiError> {
    let nothing = "this gateway sells nothing to the network; send `Authorization: Bearer KEY`";
    gateway.desks().ok_or_else(|| ApiError::not_found(nothing))
}

/// The errand in the headers, if there is one.
pub(super) fn said(
    gateway: &Gateway,
    headers: &HeaderMap,
) -> Result<Option<(Arc<Desks>, Said)>, ApiError> {
    let Some(text) = headers.get(ERRAND) else {
        return Ok(None);
    };
    let desks = Arc::clone(desks(gateway)?);
    let said = text.to_str().ok().and_then(|text| text.parse().ok());
    Ok(Some((desks, said.ok_or(Turned::NotSaid)?)))
}

/// The ticket of a channel.
pub(super) async fn promise(
    gateway: &Arc<Gateway>,
    desks: &Desks,
    said: &Said,
    body: &[u8],
    asked: &mut Asked,
) -> Result<(Ticket, Option<Written>), ApiError> {
    let desk = desks.of_channel(said.channel).await?;
    let payable = desk.admit(said, body).await?;
    // Before its models are looked for: what is sold no more mostly runs here no more.
    if !desk.setup().is_sold {
        return Err(Turned::NotSold.into());
    }
    let model = &asked.ask.model;
    let sold = gateway.sold(desk.setup().program);
    let known = sold.iter().find(|(one, _)| one.id == *model);
    let (_, known) = known.ok_or_else(|| {
        let names: Vec<String> = sold.iter().map(|(one, _)| one.id.clone()).collect();
        ApiError::no_such_model(model, &names)
    })?;
    if let Some(reader) = &desk.setup().reader {
        is_readable(reader, &asked.ask.body).map_err(|(name, why)| {
            let message =
                format!("`{name}`: answers of this class are judged by their words alone: {why}");
            ApiError::wrong("not_by_words", None, message)
        })?;
        spell_out(&mut asked.ask.body);
    }
    let decimals = desk.setup().decimals;
    let price = priced(known, &desk.rate()?, decimals);
    asked.keep(body);
    // Auditors hold the answer by the length that was asked for: what would end earlier is not begun.
    if asked.tokens_of_answer() > Some(known.max_output_tokens) {
        let message = format!(
            "an answer has at most {} tokens here; ask for that many, or fewer",
            known.max_output_tokens
        );
        return Err(ApiError::wrong("too_long", Some("max_tokens"), message));
    }
    let output_max = asked.bound(&price, Some(dollars_of(payable, decimals)));
    let promise = desk.promise(said, asked.input_tokens_max, output_max)?;
    Ticket::open(gateway, Payer::Channel(promise), asked, &price, output_max)
}

/// What the owner says of a model, at the price of the chain.
fn priced(known: &ModelPrice, rate: &Rate, decimals: u8) -> ModelPrice {
    let per_million = |units| PerMillion::of_up(dollars_of(units, decimals));
    ModelPrice {
        input: per_million(rate.input),
        output: per_million(rate.output),
        ..known.clone()
    }
}

impl Gateway {
    /// Models that run a program, with what the owner says of them: the servers name it, or the owner's prices do.
    pub fn sold(&self, program: B256) -> Vec<(Model, ModelPrice)> {
        let all = self.pool.models().into_iter();
        let named = all.filter_map(|(model, _)| {
            let price = self.settings.prices.of(&model.id)?.clone();
            let model = Model {
                program: price.program.or(model.program),
                quantisation: price.quantisation.clone().or(model.quantisation),
                ..model
            };
            Some((model, price))
        });
        named
            .filter(|(model, _)| model.program == Some(program))
            .collect()
    }
}

/// Of which class terms are asked.
#[derive(Deserialize)]
struct Which {
    class: Option<u32>,
}

/// The desk of a class that is sold; of the only one where none is named.
fn sold_at(desks: &Desks, class_id: Option<u32>) -> Result<&Arc<Desk>, ApiError> {
    let sold: Vec<_> = desks.sold().collect();
    let named = |desk: &&&Arc<Desk>| Some(desk.setup().class_id) == class_id;
    let found = match (class_id, sold.as_slice()) {
        (None, [only]) => Some(*only),
        (None, _) => None,
        (Some(_), _) => sold.iter().find(named).copied(),
    };
    found.ok_or_else(|| {
        let numbers = sold.iter().map(|desk| desk.setup().class_id.to_string());
        let numbers: Vec<_> = numbers.collect();
        let numbers = numbers.join(", ");
        match class_id {
            Some(class_id) => ApiError::not_found(&format!(
                "this machine does not sell class {class_id}; it sells {numbers}"
            )),
            None => {
                let message = format!("say of which class: `?class=NUMBER`, one of {numbers}");
                ApiError::wrong("no_class", Some("class"), message)
            }
        }
    })
}

async fn terms(
    State(gateway): Shared,
    which: Result<Query<Which>, QueryRejection>,
) -> Result<Json<Terms>, ApiError> {
    let desks = desks(&gateway)?;
    let Query(Which { class }) = which.map_err(|_| {
        let message = "`class` is the number of a class of work".to_owned();
        ApiError::wrong("no_class", Some("class"), message)
    })?;
    let desk = sold_at(desks, class)?;
    let setup = desk.setup();
    let sold = gateway.sold(setup.program);
    let lengths = sold.iter().map(|(_, known)| known.max_output_tokens);
    Ok(Json(Terms {
        court: setup.court,
        machine_id: setup.machine_id,
        class_id: setup.class_id,
        machine: gateway.ledger.machine().address(),
        program: setup.program,
        max_output_tokens: lengths.min().unwrap_or_default(),
        models: sold.into_iter().map(|(model, _)| model).collect(),
        unsigned: setup.unsigned_max,
    }))
}

/// The channel of the path, whose key sent the headers.
fn expect_own(
    gateway: &Gateway,
    headers: &HeaderMap,
    channel: &str,
) -> Result<(Arc<Desks>, Said), ApiError> {
    let (desks, said) = said(gateway, headers)?.ok_or(Turned::NotSaid)?;
    let channel: Option<B256> = channel.parse().ok();
    if channel != Some(said.channel) {
        return Err(Turned::NotSaid.into());
    }
    Ok((desks, said))
}

async fn standing(
    State(gateway): Shared,
    headers: HeaderMap,
    Path(channel): Path<String>,
) -> Result<Json<Standing>, ApiError> {
    let (desks, said) = expect_own(&gateway, &headers, &channel)?;
    let desk = desks.of_channel(said.channel).await?;
    Ok(Json(desk.standing(&said).await?))
}

/// Signs for answers. It is on disk before it is answered: a word that was heard is never asked for again.
async fn raise(
    State(gateway): Shared,
    headers: HeaderMap,
    Path(channel): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let (desks, said) = expect_own(&gateway, &headers, &channel)?;
    let desk = desks.of_channel(said.channel).await?;
    desk.admit(&said, &body).await?;
    let raise: Raise = serde_json::from_slice(&body).map_err(|why| {
        ApiError::wrong("invalid_json", None, format!("the body is no raise: {why}"))
    })?;
    let written = desk.raise(&gateway.ledger, said.channel, &raise)?;
    written.on_disk().await?;
    Ok(Json(json!({ "heard": true })))
}

/// What is kept of a receipt, for auditors of the chain.
async fn kept(
    State(gateway): Shared,
    headers: HeaderMap,
    Path(receipt): Path<String>,
) -> Result<Json<Kept>, ApiError> {
    let desks = desks(&gateway)?;
    let missing = || ApiError::not_found("no receipt of that id is kept here");
    let receipt: B256 = receipt.parse().map_err(|_| missing())?;
    let said = headers.get(INSPECTION).and_then(|text| text.to_str().ok());
    let said = said.and_then(|text| text.split_once(' '));
    let is_auditor = said.is_some_and(|(time_ms, word)| {
        let (time_ms, word) = (time_ms.parse().ok(), of_hex(word));
        time_ms
            .zip(word)
            .is_some_and(|(time_ms, word)| desks.is_auditor(receipt, time_ms, &word))
    });
    if !is_auditor {
        let message =
            format!("what customers said is for auditors alone: send `{INSPECTION}: TIME WORD`");
        return Err(ApiError::forbidden(message));
    }
    let found = gateway.ledger.kept(&receipt)?;
    found.map(Json).ok_or_else(missing)
}
