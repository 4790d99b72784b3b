//! Half floats and bfloat16 as floats, exactly.

/// IEEE half precision to single: exact.
pub(crate) fn half_to_f32(half: u16) -> f32 {
    let sign = u32::from(half & 0x8000) << 16;
    let exponent = u32::from(half >> 10) & 0x1F;
    let mantissa = u32::from(half & 0x3FF);
    match exponent {
        // Subnormal: a whole multiple of 2^-24, which a float holds exactly.
        0 => {
            let size = mantissa as f32 * f32::from_bits(0x3380_0000);
            f32::from_bits(size.to_bits() | sign)
        }
        0x1F => f32::from_bits(sign | 0x7F80_0000 | (mantissa << 13)),
        _ => f32::from_bits(sign | ((exponent + 112) << 23) | (mantissa << 13)),
    }
}

/// Whether a half is a number.
pub(crate) const fn is_finite(half: u16) -> bool {
    half & 0x7C00 != 0x7C00
}

/// Minus eight times a half, if a half can hold it.
pub(crate) fn times_minus_eight(half: u16) -> Option<u16> {
    let (sign, exponent, mantissa) = ((half & 0x8000) ^ 0x8000, half & 0x7C00, half & 0x3FF);
    if exponent == 0 {
        // Eight times a subnormal: the shifted mantissa is right up to the first normal numbers, where bits carry over.
        let product = u32::from(mantissa) * 8;
        if product < 0x400 {
            return u16::try_from(product).ok().map(|bits| sign | bits);
        }
        // A normal number of the value `product * 2^-24`.
        let top = 31 - product.leading_zeros();
        let fraction = (product << (10 + 21 - top)) >> 21 & 0x3FF;
        let bits = ((top - 9) << 10) | fraction;
        return u16::try_from(bits).ok().map(|bits| sign | bits);
    }
    let exponent = exponent + (3 << 10);
    (exponent < 0x7C00).then_some(sign | exponent | mantissa)
}

/// The nearest bfloat16 of a finite float, ties to even; what rounds beyond the largest stays the largest.
pub(crate) fn to_bfloat16(x: f32) -> u16 {
    let bits = x.to_bits();
    let rounded = bits.saturating_add(0x7FFF + ((bits >> 16) & 1)) >> 16;
    let sign = (bits >> 16) as u16 & 0x8000;
    ((rounded as u16) & 0x7FFF).min(0x7F7F) | sign
}
