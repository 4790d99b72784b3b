//! `#[derive(Layout)]` and `#[derive(Record)]` for `capstan_state`.
//!
//! Both only write down what the types already say: which tag belongs to which field, and where packed
//! fields sit. Mistakes are reported at the field that makes them.

mod layout;
mod record;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct of handles a storage layout.
///
/// Each field is a handle with `#[tag(n)]`, `n` from 1 to 127. The tag is the field's place for ever:
/// renaming or moving a field keeps its storage, changing its tag loses it. Made are `const fn new()`,
/// the table `LAYOUT` and `describe(slot)`, which names a slot in words.
///
/// Two fields with one tag do not compile:
/// ```compile_fail
/// use capstan_state::{Layout, Value};
/// #[derive(Layout)]
/// struct Twice {
///     #[tag(1)]
///     a: Value<u64>,
///     #[tag(1)]
///     b: Value<u64>,
/// }
/// ```
/// nor does a reserved tag:
/// ```compile_fail
/// use capstan_state::{Layout, Value};
/// #[derive(Layout)]
/// struct Reserved {
///     #[tag(128)]
///     a: Value<u64>,
/// }
/// ```
/// a field without a tag:
/// ```compile_fail
/// use capstan_state::{Layout, Value};
/// #[derive(Layout)]
/// struct Untagged {
///     a: Value<u64>,
/// }
/// ```
/// a field that is no handle:
/// ```compile_fail
/// use capstan_state::Layout;
/// #[derive(Layout)]
/// struct Plain {
///     #[tag(1)]
///     a: u64,
/// }
/// ```
/// or keys of more than 64 bytes:
/// ```compile_fail
/// use alloy_primitives::U256;
/// use capstan_state::{Layout, Map, Value};
/// #[derive(Layout)]
/// struct Wide {
///     #[tag(1)]
///     a: Map<U256, Map<U256, Map<bool, Value<u64>>>>,
/// }
/// ```
/// while this does:
/// ```
/// use alloy_primitives::U256;
/// use capstan_state::{Layout, Map, Value};
/// #[derive(Layout)]
/// struct Fine {
///     #[tag(1)]
///     a: Map<U256, Map<U256, Value<u64>>>,
///     #[tag(127)]
///     b: Value<u64>,
/// }
/// assert_eq!(Fine::LAYOUT.len(), 2);
/// assert_eq!(Fine::describe(U256::from(127)).as_deref(), Some("b"));
/// ```
#[proc_macro_derive(Layout, attributes(tag))]
pub fn derive_layout(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    layout::expand(&input)
        .unwrap_or_else(|e| e.to_compile_error())
        .into()
}

/// Makes a struct of words a stored record.
///
/// Fields are packed in declaration order from the low end of each word; one that does not fit starts
/// the next word. So put fields that share a word beside each other.
///
/// A commutative field owns its whole slot and cannot be packed:
/// ```compile_fail
/// use capstan_state::{Record, Total};
/// #[derive(Clone, Copy, Record)]
/// struct Pool {
///     total: Total,
///     open: bool,
/// }
/// ```
/// nor can a type that is not a word:
/// ```compile_fail
/// use capstan_state::Record;
/// #[derive(Clone, Copy, Record)]
/// struct Named {
///     name: &'static str,
/// }
/// ```
/// while this does:
/// ```
/// use alloy_primitives::Address;
/// use capstan_state::{Packed, Record};
/// #[derive(Clone, Copy, Record)]
/// struct Role {
///     holder: Address,
///     since_ms: u64,
///     open: bool,
/// }
/// assert_eq!(Role::WORDS, 1);
/// ```
#[proc_macro_derive(Record)]
pub fn derive_record(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    record::expand(&input)
        .unwrap_or_else(|e| e.to_compile_error())
        .into()
}

/// The named fields of a plain struct, or an error that says what is wanted instead.
fn named_fields<'a>(
    input: &'a DeriveInput,
    derive: &str,
) -> syn::Result<&'a syn::punctuated::Punctuated<syn::Field, syn::Token![,]>> {
    let refuse = |what: &str| {
        Err(syn::Error::new_spanned(
            &input.ident,
            format!("#[derive({derive})] is for {what}"),
        ))
    };
    if !input.generics.params.is_empty() {
        return refuse("structs without type parameters: stored bytes must not depend on a caller");
    }
    match &input.data {
        syn::Data::Struct(syn::DataStruct {
            fields: syn::Fields::Named(fields),
            ..
        }) if !fields.named.is_empty() => Ok(&fields.named),
        _ => refuse("structs with at least one named field"),
    }
}

/// Last segment of a type's path, like `Total` of `capstan_state::Total<u128>`.
fn type_name(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|s| s.ident.to_string()),
        _ => None,
    }
}
