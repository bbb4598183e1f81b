using System.Text.Json.Serialization;

namespace LlmAspire.Usage;

/// <summary>Values of an enumeration from outside are names: a number may be of another version, or of no value at all, and would pass every check by name.</summary>
internal static class EnumNames
{
    /// <param name="text">In any case.</param>
    /// <returns>False for what is no name, numbers included.</returns>
    public static bool TryParse<TEnum>(string? text, out TEnum value)
        where TEnum : struct, Enum
    {
        foreach (var possible in Enum.GetValues<TEnum>())
        {
            if (string.Equals(possible.ToString(), text, StringComparison.OrdinalIgnoreCase))
            {
                value = possible;
                return true;
            }
        }

        value = default;
        return false;
    }
}

/// <summary>Reads and writes the names of an enumeration, and no numbers.</summary>
public sealed class EnumNameConverter<TEnum>() : JsonStringEnumConverter<TEnum>(null, allowIntegerValues: false)
    where TEnum : struct, Enum;
