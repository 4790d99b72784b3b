//! `#[derive(Record)]`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{DeriveInput, Field, spanned::Spanned};

pub(crate) fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let fields = crate::named_fields(input, "Record")?;
    refuse_handles(fields.iter())?;
    let ident = &input.ident;
    let parts = format_ident!("__{}_PARTS", ident.to_string().to_uppercase());
    let count = fields.len();
    let names: Vec<_> = fields.iter().map(|f| &f.ident).collect();
    let labels: Vec<_> = names
        .iter()
        .map(|n| n.as_ref().map(Ident::to_string))
        .collect();
    let types: Vec<_> = fields.iter().map(|f| &f.ty).collect();
    let positions: Vec<_> = (0..count).collect();
    let widths = types
        .iter()
        .map(|ty| quote_spanned!(ty.span()=> <#ty as ::capstan_state::Word>::BYTES));
    let whole = ident.to_string();

    Ok(quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        const #parts: ([(usize, usize); #count], usize) = ::capstan_state::place_fields([#(#widths),*]);

        #[automatically_derived]
        impl ::capstan_state::Packed for #ident {
            const NAME: &'static str = #whole;
            const WORDS: usize = #parts.1;
            const FIELDS: &'static [::capstan_state::RecordField] = &[#(
                ::capstan_state::RecordField {
                    name: #labels,
                    word: <#types as ::capstan_state::Word>::NAME,
                    index: #parts.0[#positions].0,
                    offset_bytes: #parts.0[#positions].1,
                    bytes: <#types as ::capstan_state::Word>::BYTES,
                }
            ),*];
            type Words = [::capstan_state::U256; #parts.1];
            const EMPTY: Self::Words = [::capstan_state::U256::ZERO; #parts.1];

            fn pack(&self) -> Self::Words {
                let mut words = Self::EMPTY;
                #(
                    words[const { #parts.0[#positions].0 }] |= ::capstan_state::put_field(
                        self.#names,
                        const { #parts.0[#positions].1 },
                    );
                )*
                words
            }

            fn unpack(words: &Self::Words) -> ::core::result::Result<Self, ::capstan_state::Halt> {
                let mut words = *words;
                let record = Self {
                    #(#names: ::capstan_state::take_field(
                        &mut words[const { #parts.0[#positions].0 }],
                        const { #parts.0[#positions].1 },
                    )?),*
                };
                ::capstan_state::no_stray_bits(#whole, &words)?;
                ::core::result::Result::Ok(record)
            }
        }
    })
}

/// A handle inside a record would share its word with others.
fn refuse_handles<'a>(fields: impl Iterator<Item = &'a Field>) -> syn::Result<()> {
    for field in fields {
        let message = match crate::type_name(&field.ty).as_deref() {
            Some(name @ ("Total" | "Balance")) => format!(
                "`{name}` is commutative and owns its whole slot: make it a field of the layout, \
                 behind the same key, not of a record"
            ),
            Some(name @ ("Value" | "Map" | "List" | "Record" | "Text" | "Transient" | "Lock")) => {
                format!("`{name}` is a handle: a record holds words; make it a field of the layout")
            }
            _ => continue,
        };
        return Err(syn::Error::new_spanned(&field.ty, message));
    }
    Ok(())
}
