using System.Text.Json;
using System.Text.Unicode;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Reads a request in one pass, without a copy: what it says, and whether all of it may go to the gateway. It refuses fields that are not in <see cref="RequestTable"/>, names that
/// are there twice (some read the first, others the last: what is checked could be overruled), text that is not Unicode, and addresses that a server must not fetch.
/// </summary>
internal ref partial struct RequestReader
{
    private const int MostChoices = 128;

    /// <summary>Of a known name or kind, with every character escaped.</summary>
    private const int MostKnownLength = 256;

    /// <summary>More than any model makes of one picture: gpt-4o-mini, whose count is the highest that is published, comes to 48,169 for eight tiles.</summary>
    private const int MostTokensOfPicture = 50_000;

    private readonly RequestFacts _facts = new();
    private readonly RequestPath _path = new();

    /// <summary>Names of objects that have been read, to be used again.</summary>
    private readonly Stack<HashSet<string>> _names = new();

    private readonly bool _isUtf8;
    private readonly bool _isStored;
    private Utf8JsonReader _json;

    private RequestReader(ReadOnlySpan<byte> body, bool isStored)
    {
        _json = new Utf8JsonReader(body);
        _isUtf8 = Utf8.IsValid(body);
        _isStored = isStored;
    }

    /// <summary>Reads a chat completion.</summary>
    /// <returns>What it says, or why it is refused.</returns>
    public static (RequestFacts? Facts, GatewayFailure? Refusal) Read(ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new RequestReader(body, isStored: false);
            return (reader.ReadRequest(), null);
        }
        catch (RefusedException refused)
        {
            return (null, refused.Failure);
        }
        catch (JsonException json)
        {
            return (null, GatewayFailure.RequestUnreadable($"Look at line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}."));
        }
    }

    /// <summary>Looks at the text of any other JSON that the installation takes and stores.</summary>
    /// <returns>Why it is refused; null when it is not, or is no JSON.</returns>
    public static GatewayFailure? CheckText(ReadOnlySpan<byte> json)
    {
        if (Utf8.IsValid(json) && json.IndexOf("\\u"u8) < 0)
        {
            return null;
        }

        // Readers of JSON pass over it.
        json = json.StartsWith("\ufeff"u8) ? json[3..] : json;
        try
        {
            var reader = new RequestReader(json, isStored: true);
            reader._json.Read();
            reader.ReadAny();
            return null;
        }
        catch (RefusedException refused)
        {
            return refused.Failure;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private RequestFacts ReadRequest()
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            throw new RefusedException(GatewayFailure.RequestUnreadable("It is not an object."));
        }

        ReadObject(RequestTable.Root);
        // What follows it is no JSON.
        _json.Read();
        return _facts;
    }

    private void ReadObject(RequestFields fields)
    {
        var (seen, allowed) = (0UL, (ulong?)null);
        var cuts = new Cutter(_facts.Cuts);
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var start = (int)_json.TokenStartIndex;
            cuts.Begin(start);
            var index = FindField(fields);
            var field = fields[index];
            _path.Enter(field.Name);
            if ((seen & (1UL << index)) != 0)
            {
                throw Doubled();
            }

            seen |= 1UL << index;
            _json.Read();
            if (field.IsLeftOut)
            {
                ReadAny();
            }
            else
            {
                allowed = index == fields.KindField ? ReadKind(fields) : allowed;
                ReadValue(field.Shape, field.Fact);
            }

            _path.Leave();
            cuts.End(start, (int)_json.BytesConsumed, field.IsLeftOut);
            if (ReferenceEquals(fields, RequestTable.Root))
            {
                _facts.Fields.Add(new RequestSpan(start, (int)_json.BytesConsumed, field.Fact));
            }
        }

        cuts.Complete();
        CheckKind(fields, seen, allowed);
    }

    private readonly void CheckKind(RequestFields fields, ulong seen, ulong? allowed)
    {
        if (fields.KindField >= 0 && fields.IsKindRequired && allowed is null)
        {
            _path.Enter(fields[fields.KindField].Name);
            throw new RefusedException(GatewayFailure.RequestIncomplete($"{_path}", $"one of {fields.Kinds}"));
        }

        if ((seen & ~(allowed ?? ulong.MaxValue)) is not 0 and var foreign)
        {
            _path.Enter(fields.First(foreign).Name);
            throw Unsupported($"It does not belong to this {fields[fields.KindField].Name}. Leave it out.");
        }
    }

    /// <returns>The fields that a thing of this kind may have; null when the kind is not said.</returns>
    private readonly ulong? ReadKind(RequestFields fields)
    {
        if (_json.TokenType != JsonTokenType.String)
        {
            return null;
        }

        CheckString();
        Span<byte> kind = stackalloc byte[MostKnownLength];
        return _json.ValueSpan.Length <= MostKnownLength && fields.FieldsOf(kind[.._json.CopyString(kind)]) is { } allowed
            ? allowed
            : throw Unsupported(RequestAdvice.OfKind(fields));
    }

    private void ReadValue(RequestShape shape, RequestFact fact)
    {
        switch (_json.TokenType)
        {
            case JsonTokenType.Null:
                return;
            case JsonTokenType.String when shape.Scalars.HasFlag(RequestScalars.Text):
                CheckString();
                CheckRule(shape.Rule);
                break;
            case JsonTokenType.Number when shape.Scalars.HasFlag(RequestScalars.Number):
            case JsonTokenType.True or JsonTokenType.False when shape.Scalars.HasFlag(RequestScalars.Flag):
                break;
            case JsonTokenType.StartObject when shape.Fields is { } fields:
                ReadObject(fields);
                break;
            case JsonTokenType.StartObject when shape.Pairs is { } pairs:
                ReadPairs(pairs);
                break;
            case JsonTokenType.StartArray when shape.Items is { } items:
                ReadItems(items, fact);
                break;
            case not JsonTokenType.None when shape.IsFree:
                ReadAny();
                break;
            default:
                throw Invalid(shape.Expected);
        }

        Note(fact);
    }

    private void ReadItems(RequestShape items, RequestFact fact)
    {
        var count = 0;
        for (; _json.Read() && _json.TokenType != JsonTokenType.EndArray; count++)
        {
            _path.Enter(count);
            ReadValue(items, RequestFact.None);
            _path.Leave();
        }

        _facts.Messages = fact == RequestFact.Messages ? count : _facts.Messages;
    }

    private void ReadPairs(RequestPairs pairs)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var value = new RequestShape { Scalars = pairs.Values };
        while (ReadName(names))
        {
            if (pairs.IsSteering?.Invoke(_json.GetString()!) == true)
            {
                throw Unsupported(RequestAdvice.OfMetadata);
            }

            _json.Read();
            ReadValue(value, RequestFact.None);
            _path.Leave();
        }

        if (names.Count > pairs.Most)
        {
            throw Invalid($"at most {pairs.Most} of them");
        }
    }

    /// <summary>Reads a value of any form, for its text and its doubled names.</summary>
    private void ReadAny()
    {
        switch (_json.TokenType)
        {
            case JsonTokenType.String:
                CheckString();
                break;
            case JsonTokenType.StartObject:
                ReadAnyObject();
                break;
            case JsonTokenType.StartArray:
                for (var i = 0; _json.Read() && _json.TokenType != JsonTokenType.EndArray; i++)
                {
                    _path.Enter(i);
                    ReadAny();
                    _path.Leave();
                }

                break;
        }
    }

    private void ReadAnyObject()
    {
        var names = _isStored ? null : _names.TryPop(out var used) ? used : new HashSet<string>(StringComparer.Ordinal);
        while (ReadName(names))
        {
            _json.Read();
            ReadAny();
            _path.Leave();
        }

        if (names is not null)
        {
            names.Clear();
            _names.Push(names);
        }
    }

    /// <summary>Reads the next name and enters it.</summary>
    /// <param name="names">Those that were there; null when one may be there twice.</param>
    /// <returns>Whether there is one.</returns>
    private bool ReadName(HashSet<string>? names)
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.PropertyName)
        {
            return false;
        }

        CheckString();
        var name = _json.GetString()!;
        _path.Enter(name);
        return names?.Add(name) != false ? true : throw Doubled();
    }

    private readonly int FindField(RequestFields fields)
    {
        CheckString();
        var index = -1;
        if (!_json.ValueIsEscaped)
        {
            index = fields.Find(_json.ValueSpan);
        }
        else if (_json.ValueSpan.Length <= MostKnownLength)
        {
            Span<byte> name = stackalloc byte[MostKnownLength];
            index = fields.Find(name[.._json.CopyString(name)]);
        }

        if (index < 0)
        {
            var unknown = _json.GetString()!;
            _path.Enter(unknown);
            throw Unsupported(RequestAdvice.Of(unknown));
        }

        return index;
    }
}
