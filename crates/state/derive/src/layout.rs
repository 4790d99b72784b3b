//! `#[derive(Layout)]`.

use std::collections::BTreeMap;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{DeriveInput, Field, LitInt, spanned::Spanned};

const TAG_MAX: u8 = 127;

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = crate::named_fields(input, "Layout")?;
    let tags = tags(fields.iter())?;
    let (ident, vis) = (&input.ident, &input.vis);

    let opened = fields.iter().zip(&tags).map(|(field, tag)| {
        let (name, ty) = (&field.ident, &field.ty);
        quote_spanned!(ty.span()=> #name: <#ty>::at_tag(#tag))
    });
    let rows = fields.iter().zip(&tags).map(|(field, tag)| {
        let (name, ty) = (field.ident.as_ref().map(Ident::to_string), &field.ty);
        quote_spanned! {ty.span()=> ::capstan_state::Field {
            name: #name,
            tag: #tag,
            shape: <#ty as ::capstan_state::Handle>::SHAPE,
        }}
    });
    let widths = fields.iter().map(|field| {
        let (name, ty) = (field.ident.as_ref().map(Ident::to_string), &field.ty);
        let message = format!(
            "the keys of `{}` are wider than 64 bytes",
            name.unwrap_or_default()
        );
        quote_spanned! {ty.span()=> const _: () = ::core::assert!(
            ::capstan_state::keys_fit(<#ty as ::capstan_state::Handle>::KEY_BYTES),
            #message
        );}
    });

    Ok(quote! {
        #(#widths)*

        #[automatically_derived]
        impl ::capstan_state::Layout for #ident {
            const FIELDS: &'static [::capstan_state::Field] = &[#(#rows),*];
        }

        #[automatically_derived]
        #[allow(dead_code)]
        impl #ident {
            /// Every field, as a table.
            #vis const LAYOUT: &'static [::capstan_state::Field] =
                <Self as ::capstan_state::Layout>::FIELDS;

            /// The handles.
            #vis const fn new() -> Self {
                Self { #(#opened),* }
            }

            /// Names a slot of this contract in words.
            #vis fn describe(slot: ::capstan_state::U256) -> ::core::option::Option<::std::string::String> {
                ::capstan_state::describe(Self::LAYOUT, slot)
            }
        }

        #[automatically_derived]
        impl ::core::default::Default for #ident {
            fn default() -> Self {
                Self::new()
            }
        }
    })
}

/// The tag of each field; all mistakes are reported at once.
fn tags<'a>(fields: impl Iterator<Item = &'a Field>) -> syn::Result<Vec<u8>> {
    let mut owners = BTreeMap::<u8, &Ident>::new();
    let mut tags = Vec::new();
    let mut errors: Option<syn::Error> = None;
    for field in fields {
        let tag = tag(field).and_then(|literal| claim(&literal, field, &mut owners));
        match (tag, &mut errors) {
            (Ok(tag), _) => tags.push(tag),
            (Err(error), None) => errors = Some(error),
            (Err(error), Some(all)) => all.combine(error),
        }
    }
    errors.map_or(Ok(tags), Err)
}

/// The literal of `#[tag(n)]`.
fn tag(field: &Field) -> syn::Result<LitInt> {
    let mut found = field.attrs.iter().filter(|a| a.path().is_ident("tag"));
    let Some(attribute) = found.next() else {
        let message =
            format!("every field of a layout needs a place: add #[tag(n)], 1 to {TAG_MAX}");
        return Err(syn::Error::new_spanned(field, message));
    };
    if let Some(second) = found.next() {
        return Err(syn::Error::new_spanned(second, "a field has one tag"));
    }
    attribute.parse_args::<LitInt>()
}

/// Checks a tag and notes its owner.
fn claim<'a>(
    literal: &LitInt,
    field: &'a Field,
    owners: &mut BTreeMap<u8, &'a Ident>,
) -> syn::Result<u8> {
    let tag = match literal.base10_parse::<u8>() {
        Ok(tag @ 1..=TAG_MAX) => tag,
        _ => {
            let message = format!("tag {literal} is reserved: tags are 1 to {TAG_MAX}");
            return Err(syn::Error::new(literal.span(), message));
        }
    };
    let Some(name) = &field.ident else {
        return Ok(tag);
    };
    match owners.insert(tag, name) {
        None => Ok(tag),
        Some(other) => {
            let message = format!("tag {tag} already belongs to `{other}`");
            Err(syn::Error::new(literal.span(), message))
        }
    }
}
