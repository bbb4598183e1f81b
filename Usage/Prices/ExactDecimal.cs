using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>JSON's numbers as decimals, to the last digit or not at all: <c>0.15</c>, <c>1.5e-07</c>. The framework would round what has too many digits.</summary>
internal static class ExactDecimal
{
    private const int MostDecimals = 28;

    /// <param name="number">As JSON writes it.</param>
    /// <param name="shift">By how many powers of ten it is multiplied: 6 makes USD per million tokens of USD per token.</param>
    /// <returns>Null when no decimal is exactly this.</returns>
    public static decimal? Parse(string number, int shift = 0)
    {
        var exponentAt = number.AsSpan().IndexOfAny('e', 'E');
        var mantissa = exponentAt < 0 ? number : number[..exponentAt];
        var exponent = 0;
        if (exponentAt >= 0 && !int.TryParse(number.AsSpan(exponentAt + 1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent))
        {
            return null;
        }

        var point = mantissa.IndexOf('.', StringComparison.Ordinal);
        var decimals = point < 0 ? 0 : mantissa.Length - point - 1;
        if (!BigInteger.TryParse(mantissa.Replace(".", "", StringComparison.Ordinal), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var digits))
        {
            return null;
        }

        var scale = (long)decimals - exponent - shift;
        while (scale > 0 && (digits % 10).IsZero)
        {
            if (digits.IsZero)
            {
                return 0m;
            }

            digits /= 10;
            scale--;
        }

        if (scale is < -MostDecimals or > MostDecimals)
        {
            return digits.IsZero ? 0m : null;
        }

        if (scale < 0)
        {
            digits *= BigInteger.Pow(10, (int)-scale);
            scale = 0;
        }

        if (BigInteger.Abs(digits) > new BigInteger(decimal.MaxValue))
        {
            return null;
        }

        var whole = (decimal)BigInteger.Abs(digits);
        var bits = decimal.GetBits(whole);
        return new decimal(bits[0], bits[1], bits[2], digits.Sign < 0, (byte)scale);
    }
}

/// <inheritdoc cref="ExactDecimal"/>
internal sealed class ExactDecimalConverter : JsonConverter<decimal?>
{
    public override decimal? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        if (reader.TokenType != JsonTokenType.Number)
        {
            throw new JsonException("A price is a number.");
        }

        using var value = JsonDocument.ParseValue(ref reader);
        return ExactDecimal.Parse(value.RootElement.GetRawText()) ?? throw new JsonException("A price has at most 28 digits.");
    }

    public override void Write(Utf8JsonWriter writer, decimal? value, JsonSerializerOptions options)
    {
        if (value is { } price)
        {
            writer.WriteNumberValue(price);
        }
        else
        {
            writer.WriteNullValue();
        }
    }
}
