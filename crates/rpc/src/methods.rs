//! The one table of methods: name, arguments, one sentence, handler.
//!
//! A handler is a plain function over [`RpcContext`] and a tuple of typed arguments. Which of three
//! doors it is registered by says where it runs:
//!
//! | door | handler | runs |
//! |---|---|---|
//! | [`Methods::quick`] | `fn(&RpcContext, P) -> RpcResult<R>` | at once, on the connection's task: a lookup in memory |
//! | [`Methods::blocking`] | the same | on the bounded pool of threads with big stacks: EVM, disk, long loops |
//! | [`Methods::later`] | `async fn(RpcContext, P) -> RpcResult<R>` | on the connection's task: waits for something |
//!
//! ```ignore
//! pub(crate) fn register(table: &mut Methods) {
//!     table.quick("eth_chainId", [], "Chain id of EIP-155.", |cx, ()| Ok(U64::from(cx.chain_id())));
//!     table.blocking("eth_getBalance", ["address", "block?"], "Balance in wei.", get_balance);
//!     table.later("eth_sendRawTransactionSync", ["transaction", "timeoutMs?"], "...", send_sync).writes();
//! }
//! ```
//!
//! The number of argument names must equal the arity of the tuple, or it does not compile. An argument
//! of type `Option<T>` may be left out or null (write its name with `?`). Methods that change something
//! call [`Method::writes`]: entries of a batch run together, but a writing one keeps its place. What may take as long
//! as the limits allow calls [`Method::heavy`]: such calls never get all threads.

use std::{collections::HashMap, future::Future, pin::Pin};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;

use crate::{
    RpcContext,
    error::{RpcError, RpcResult, shorten},
};

/// The answer of a method, already written as JSON.
pub(crate) type Written = Vec<u8>;
/// Work for the blocking pool.
pub(crate) type Job = Box<dyn FnOnce() -> RpcResult<Written> + Send>;
/// An answer to wait for.
pub(crate) type Later = Pin<Box<dyn Future<Output = RpcResult<Written>> + Send>>;

/// A call whose arguments were understood.
pub(crate) enum Started {
    Done(RpcResult<Written>),
    Blocking(Job),
    Later(Later),
}

type Start = Box<dyn Fn(&RpcContext, &[&RawValue]) -> RpcResult<Started> + Send + Sync>;

/// Which chains a method is offered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Every node.
    Always,
    /// Only a development chain (R13).
    Dev,
}

/// One row of the table.
pub struct Method {
    /// Name on the wire.
    pub name: &'static str,
    /// Argument names in order; a trailing `?` marks what may be left out.
    pub params: Vec<&'static str>,
    /// One sentence for specs/rpc.md.
    pub about: &'static str,
    /// Whether it changes something, so that its place in a batch counts.
    pub writes: bool,
    /// Whether a call may take as long as the limits allow, so that it never gets all threads.
    pub heavy: bool,
    /// Which chains offer it.
    pub offer: Offer,
    start: Start,
}

impl Method {
    /// Declares that the method changes something.
    pub fn writes(&mut self) -> &mut Self {
        self.writes = true;
        self
    }

    /// Declares that one call may take as long as the limits allow: it runs the EVM, or searches.
    pub fn heavy(&mut self) -> &mut Self {
        self.heavy = true;
        self
    }

    /// Declares that only a development chain offers the method.
    pub fn dev(&mut self) -> &mut Self {
        self.offer = Offer::Dev;
        self
    }

    /// Understands the arguments and starts the call.
    pub(crate) fn start(&self, cx: &RpcContext, args: &[&RawValue]) -> RpcResult<Started> {
        if self.offer == Offer::Dev && cx.chain().dev().is_none() {
            return Err(RpcError::dev_only(self.name));
        }
        (self.start)(cx, args)
    }
}

/// All methods by name.
#[derive(Default)]
pub struct Methods {
    rows: Vec<Method>,
    by_name: HashMap<&'static str, usize>,
}

impl Methods {
    /// The whole table of this crate.
    pub fn all() -> Self {
        let mut table = Self::default();
        crate::register_all(&mut table);
        table
    }

    /// Rows in the order of registration.
    pub fn rows(&self) -> &[Method] {
        &self.rows
    }

    /// The row of `name`.
    pub fn find(&self, name: &str) -> Option<&Method> {
        self.by_name.get(name).map(|&row| &self.rows[row])
    }

    /// A lookup in memory, answered at once.
    pub fn quick<P, R, const N: usize>(
        &mut self,
        name: &'static str,
        params: [&'static str; N],
        about: &'static str,
        handler: impl Fn(&RpcContext, P) -> RpcResult<R> + Send + Sync + 'static,
    ) -> &mut Method
    where
        P: Params<N>,
        R: Serialize,
    {
        let start: Start = Box::new(move |cx, args| {
            let typed = P::parse(args, &params)?;
            Ok(Started::Done(
                handler(cx, typed).and_then(|answer| cx.write(&answer)),
            ))
        });
        self.add(name, params.to_vec(), about, start)
    }

    /// Work that takes a thread: EVM, disk, long loops.
    pub fn blocking<P, R, const N: usize>(
        &mut self,
        name: &'static str,
        params: [&'static str; N],
        about: &'static str,
        handler: impl Fn(&RpcContext, P) -> RpcResult<R> + Clone + Send + Sync + 'static,
    ) -> &mut Method
    where
        P: Params<N>,
        R: Serialize,
    {
        let start: Start = Box::new(move |cx, args| {
            let typed = P::parse(args, &params)?;
            let (cx, handler) = (cx.clone(), handler.clone());
            Ok(Started::Blocking(Box::new(move || {
                handler(&cx, typed).and_then(|answer| cx.write(&answer))
            })))
        });
        self.add(name, params.to_vec(), about, start)
    }

    /// Something to wait for.
    pub fn later<P, R, F, const N: usize>(
        &mut self,
        name: &'static str,
        params: [&'static str; N],
        about: &'static str,
        handler: impl Fn(RpcContext, P) -> F + Send + Sync + 'static,
    ) -> &mut Method
    where
        P: Params<N>,
        R: Serialize,
        F: Future<Output = RpcResult<R>> + Send + 'static,
    {
        let start: Start = Box::new(move |cx, args| {
            let typed = P::parse(args, &params)?;
            let answer = handler(cx.clone(), typed);
            let cx = cx.clone();
            Ok(Started::Later(Box::pin(
                async move { cx.write(&answer.await?) },
            )))
        });
        self.add(name, params.to_vec(), about, start)
    }

    fn add(
        &mut self,
        name: &'static str,
        params: Vec<&'static str>,
        about: &'static str,
        start: Start,
    ) -> &mut Method {
        let row = self.rows.len();
        let earlier = self.by_name.insert(name, row);
        assert!(earlier.is_none(), "the method {name} is registered twice");
        self.rows.push(Method {
            name,
            params,
            about,
            writes: false,
            heavy: false,
            offer: Offer::Always,
            start,
        });
        &mut self.rows[row]
    }
}

/// A tuple of `N` arguments that can be read from a JSON array.
pub trait Params<const N: usize>: Sized + Send + 'static {
    /// Reads the arguments; an error names the one that is wrong.
    fn parse(args: &[&RawValue], names: &[&'static str; N]) -> RpcResult<Self>;
}

/// Splits the `params` member into its elements without reading them.
pub(crate) fn split_params(params: Option<&RawValue>) -> RpcResult<Vec<&RawValue>> {
    let Some(params) = params else {
        return Ok(Vec::new());
    };
    match params.get().as_bytes().first() {
        Some(b'[') => serde_json::from_str(params.get())
            .map_err(|reason| RpcError::invalid_params(format!("invalid params: {reason}"))),
        Some(b'n') => Ok(Vec::new()),
        Some(b'{') => Err(RpcError::invalid_params(
            "non-array args: params are taken by position, as an array",
        )),
        _ => Err(RpcError::invalid_params(
            "non-array args: params must be an array",
        )),
    }
}

fn too_many(args: &[&RawValue], names: &[&'static str]) -> RpcResult<()> {
    let most = names.len();
    if args.len() <= most {
        return Ok(());
    }
    let named = match names {
        [] => String::new(),
        names => format!(": {}", names.join(", ")),
    };
    Err(RpcError::invalid_params(format!(
        "too many arguments, want at most {most}{named}"
    )))
}

/// Reads one argument. What may be null may also be missing.
fn argument<T: DeserializeOwned>(
    args: &[&RawValue],
    index: usize,
    name: &'static str,
) -> RpcResult<T> {
    let name = name.trim_end_matches('?');
    match args.get(index) {
        None => serde_json::from_str("null").map_err(|_| RpcError::missing_argument(index, name)),
        Some(raw) => serde_json::from_str(raw.get()).map_err(|reason| {
            if raw.get() == "null" {
                return RpcError::missing_argument(index, name);
            }
            let reason = reason.to_string();
            // Positions inside one argument help nobody: "at line 1 column 7".
            let reason = reason.split(" at line ").next().unwrap_or_default();
            RpcError::invalid_argument(index, name, shorten_reason(reason))
        }),
    }
}

fn shorten_reason(reason: &str) -> String {
    // A reason may quote what was sent, which may be long.
    if reason.len() > 200 {
        shorten(reason).into_owned()
    } else {
        reason.to_owned()
    }
}

impl Params<0> for () {
    fn parse(args: &[&RawValue], _: &[&'static str; 0]) -> RpcResult<Self> {
        too_many(args, &[])
    }
}

macro_rules! params_of_tuple {
    ($n:literal: $($index:literal $type:ident),+) => {
        impl<$($type: DeserializeOwned + Send + 'static),+> Params<$n> for ($($type,)+) {
            fn parse(args: &[&RawValue], names: &[&'static str; $n]) -> RpcResult<Self> {
                too_many(args, names)?;
                Ok(($(argument::<$type>(args, $index, names[$index])?,)+))
            }
        }
    };
}
params_of_tuple!(1: 0 A);
params_of_tuple!(2: 0 A, 1 B);
params_of_tuple!(3: 0 A, 1 B, 2 C);
params_of_tuple!(4: 0 A, 1 B, 2 C, 3 D);
params_of_tuple!(5: 0 A, 1 B, 2 C, 3 D, 4 E);
