using Microsoft.EntityFrameworkCore.Storage.ValueConversion;

namespace LlmAspire.Usage;

/// <summary>Stores the members of an enumeration as their names in lower case, as the JSON of events does.</summary>
public sealed class LowerCaseConverter<TEnum>() : ValueConverter<TEnum, string>(
    value => value.ToString().ToLowerInvariant(),
    text => Enum.Parse<TEnum>(text, true))
    where TEnum : struct, Enum;
