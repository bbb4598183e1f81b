using System.Security.Cryptography;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Makes the value of a parameter that was not given.</summary>
public abstract class ParameterDefault
{
    /// <summary>Makes a value.</summary>
    public abstract string GetDefaultValue();
}

/// <summary>A random value.</summary>
public sealed class GenerateParameterDefault : ParameterDefault
{
    private const string LowerCharacters = "abcdefghjkmnpqrstuvwxyz";
    private const string UpperCharacters = "ABCDEFGHJKMNPQRSTUVWXYZ";
    private const string NumericCharacters = "0123456789";
    private const string SpecialCharacters = "-_.{}~()*+!";

    /// <summary>The length, in characters.</summary>
    public int MinLength { get; set; }

    /// <summary>Whether lower-case letters are used.</summary>
    public bool Lower { get; set; } = true;

    /// <summary>Whether upper-case letters are used.</summary>
    public bool Upper { get; set; } = true;

    /// <summary>Whether digits are used.</summary>
    public bool Numeric { get; set; } = true;

    /// <summary>Whether punctuation is used.</summary>
    public bool Special { get; set; } = true;

    /// <inheritdoc/>
    public override string GetDefaultValue()
    {
        var characters = string.Concat(
            Lower ? LowerCharacters : "",
            Upper ? UpperCharacters : "",
            Numeric ? NumericCharacters : "",
            Special ? SpecialCharacters : "");

        return RandomNumberGenerator.GetString(characters, MinLength);
    }
}
