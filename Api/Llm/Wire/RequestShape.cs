using System.Collections.Immutable;
using System.Numerics;
using System.Text;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>What a value of a request may be. Null may stand everywhere: OpenAI's clients send it for what is not set.</summary>
internal sealed record RequestShape
{
    /// <summary>Any JSON: only its text and its doubled names are looked at.</summary>
    public static RequestShape Free { get; } = new() { IsFree = true };

    public RequestScalars Scalars { get; init; }

    public bool IsFree { get; init; }

    /// <summary>When it may be an object: what its fields are.</summary>
    public RequestFields? Fields { get; init; }

    /// <summary>When it may be an array: what its items are.</summary>
    public RequestShape? Items { get; init; }

    /// <summary>When it may be an object with names of the caller's own.</summary>
    public RequestPairs? Pairs { get; init; }

    public RequestRule Rule { get; init; }

    /// <summary>For the user, when it was something else.</summary>
    public string Expected => string.Join(" or ", ((string?[])
    [
        Scalars.HasFlag(RequestScalars.Text) ? "a string" : null,
        Scalars.HasFlag(RequestScalars.Number) ? "a number" : null,
        Scalars.HasFlag(RequestScalars.Flag) ? "true or false" : null,
        Items is null ? null : "an array",
        Fields is null && Pairs is null ? null : "an object",
    ]).OfType<string>());
}

[Flags]
internal enum RequestScalars
{
    None = 0,
    Text = 1,
    Number = 2,
    Flag = 4,
}

/// <summary>What a string has to be besides.</summary>
internal enum RequestRule
{
    None,

    /// <summary>A picture inside, or its address on the public web: a server fetches it.</summary>
    Picture,

    /// <summary>Bytes in base64, or a data address of them. LiteLLM would fetch any other address that it finds there.</summary>
    Bytes,

    /// <summary>The id of a file. LiteLLM would fetch an address that it finds there.</summary>
    FileId,
}

/// <summary>What is read of a request besides its being allowed.</summary>
internal enum RequestFact
{
    None,
    Model,
    Messages,
    Role,
    Stream,
    StreamOptions,
    IncludeUsage,
    IncludeObfuscation,
    MaxTokens,
    MaxCompletionTokens,
    Choices,
    User,
}

/// <param name="IsLeftOut">It is taken, and not sent on: see <see cref="RequestTable"/>.</param>
internal sealed record RequestField(string Name, RequestShape Shape, RequestFact Fact = RequestFact.None, bool IsLeftOut = false)
{
    private readonly byte[] _utf8 = Encoding.UTF8.GetBytes(Name);

    public ReadOnlySpan<byte> Utf8 => _utf8;
}

/// <summary>An object with names of the caller's own.</summary>
/// <param name="Values">What each value is.</param>
/// <param name="Most">How many there may be.</param>
/// <param name="IsSteering">Whether a name makes LiteLLM do something.</param>
internal sealed record RequestPairs(RequestScalars Values, int Most, Predicate<string>? IsSteering = null);

/// <summary>The fields of an object, at most 64. Immutable.</summary>
internal sealed class RequestFields
{
    private readonly ImmutableArray<RequestField> _fields;
    private readonly ImmutableArray<(RequestField Value, ulong Fields)> _kinds = [];

    public RequestFields(params RequestField[] fields) => _fields = [.. fields];

    private RequestFields(ImmutableArray<RequestField> fields, int kindField, ImmutableArray<(RequestField, ulong)> kinds, bool isKindRequired)
    {
        _fields = fields;
        KindField = kindField;
        _kinds = kinds;
        IsKindRequired = isKindRequired;
    }

    /// <summary>The field that says which kind of thing the object is, as <c>type</c> or <c>role</c>; -1 when there is none.</summary>
    public int KindField { get; } = -1;

    public bool IsKindRequired { get; }

    /// <summary>For the user.</summary>
    public string Kinds => string.Join(", ", _kinds.Select(kind => kind.Value.Name));

    /// <summary>Whether the kinds are those of tools.</summary>
    public bool IsToolKind => _kinds.Any(kind => kind.Value.Name == "custom");

    public RequestField this[int index] => _fields[index];

    /// <summary>The same fields, of which each kind of thing has only some.</summary>
    /// <param name="kinds">Each kind with the fields that no other has, or not every other.</param>
    public RequestFields By(string kindField, bool isRequired, params (string Kind, string[] Fields)[] kinds)
    {
        var names = _fields.Select(field => field.Name).ToList();
        var some = kinds.SelectMany(kind => kind.Fields).ToHashSet(StringComparer.Ordinal);
        var common = Mask(names.Where(name => !some.Contains(name)));
        return new RequestFields(
            _fields, names.IndexOf(kindField), [.. kinds.Select(kind => (new RequestField(kind.Kind, RequestShape.Free), common | Mask(kind.Fields)))], isRequired);

        ulong Mask(IEnumerable<string> of) => of.Aggregate(0UL, (mask, name) => mask | 1UL << names.IndexOf(name));
    }

    /// <param name="name">As it stands in the request, when it has no escapes; else what they mean.</param>
    /// <returns>Where the field is, or -1.</returns>
    public int Find(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < _fields.Length; i++)
        {
            if (name.SequenceEqual(_fields[i].Utf8))
            {
                return i;
            }
        }

        return -1;
    }

    /// <returns>The fields that a kind may have, as a mask; null when there is no such kind.</returns>
    public ulong? FieldsOf(ReadOnlySpan<byte> kind)
    {
        foreach (var (value, fields) in _kinds)
        {
            if (kind.SequenceEqual(value.Utf8))
            {
                return fields;
            }
        }

        return null;
    }

    /// <returns>The first field that a mask has.</returns>
    public RequestField First(ulong mask) => _fields[BitOperations.TrailingZeroCount(mask)];
}
