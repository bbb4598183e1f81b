using System.Text.Json;
using System.Text.Unicode;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>What single values have to be, and what they say.</summary>
internal ref partial struct RequestReader
{
    private readonly RefusedException Invalid(string expected) => new(GatewayFailure.RequestInvalid($"{_path}", expected));

    private readonly RefusedException Unsupported(string advice) => new(GatewayFailure.RequestUnsupported($"{_path}", advice));

    private readonly RefusedException Doubled() => new(GatewayFailure.RequestUnreadable($"'{_path}' is there twice. Send it once.", $"{_path}"));

    /// <summary>Looks at the text of the value or name that was read.</summary>
    private readonly void CheckString()
    {
        var text = _json.ValueSpan;
        var fault = !_isUtf8 && !Utf8.IsValid(text) ? "bytes that are not UTF-8"
            : !_json.ValueIsEscaped ? null
            : !RequestText.HasWholeCharacters(text) ? "half of a surrogate pair, which is no character"
            : _isStored && RequestText.HasNul(text) ? "the character NUL, which cannot be stored"
            : null;
        if (fault is not null)
        {
            throw new RefusedException(GatewayFailure.TextInvalid($"{_path}", fault, isName: _json.TokenType == JsonTokenType.PropertyName));
        }
    }

    private readonly void CheckRule(RequestRule rule)
    {
        switch (rule)
        {
            case RequestRule.Picture when RequestText.StartsWith(_json.ValueSpan, "data:image/"u8):
                // With the quotation marks.
                _facts.PictureBytes += Math.Max(0L, _json.ValueSpan.Length + 2 - MostTokensOfPicture);
                break;
            case RequestRule.Picture when _json.ValueSpan.Length > RequestAddress.MostLength:
                throw Invalid($"{RequestAddress.Expected}: it is too long");
            case RequestRule.Picture when RequestAddress.Check(_json.GetString()!) is { } fault:
                throw Invalid($"{RequestAddress.Expected}: {fault}");
            case RequestRule.Bytes when !RequestText.StartsWith(_json.ValueSpan, "data:"u8) && (_json.ValueSpan.Contains((byte)':') || _json.ValueSpan.IndexOf("\\u"u8) >= 0):
                throw Invalid("the bytes themselves, in base64 or as data:…;base64,…: addresses are not fetched");
            case RequestRule.FileId when _json.ValueSpan.ContainsAny(":/\\"u8):
                throw Invalid("the id of a file: addresses are not fetched");
        }
    }

    /// <summary>Keeps what the value that was read says.</summary>
    private readonly void Note(RequestFact fact)
    {
        switch (fact)
        {
            case RequestFact.Model:
                _facts.Model = _json.GetString();
                break;
            case RequestFact.Role:
                _facts.FollowsTools = _json.ValueTextEquals("tool"u8);
                break;
            case RequestFact.Stream:
                _facts.IsStreamed = _json.GetBoolean();
                break;
            case RequestFact.StreamOptions:
                _facts.HasStreamOptions = true;
                break;
            case RequestFact.IncludeUsage:
                _facts.IncludesUsage = _json.GetBoolean();
                break;
            case RequestFact.IncludeObfuscation:
                _facts.IncludesObfuscation = _json.GetBoolean();
                break;
            case RequestFact.MaxTokens:
                _facts.MaxTokens = ReadCount();
                break;
            case RequestFact.MaxCompletionTokens:
                _facts.MaxCompletionTokens = ReadCount();
                break;
            case RequestFact.Choices:
                _facts.Choices = ReadCount() is >= 1 and <= MostChoices and var choices ? (int)choices : throw Invalid($"a whole number from 1 to {MostChoices}");
                break;
        }
    }

    private readonly long ReadCount() => _json.TryGetInt64(out var count) && count is >= 0 and <= int.MaxValue ? count : RequestFacts.NoCount;

    /// <summary>
    /// Leaves fields out of an object, each with one comma: that before it, or, when nothing before it stays, that behind it:
    /// <code>
    /// {"a":1,"b":2,"c":3} without b and c is {"a":1}; without a, {"b":2,"c":3}
    /// </code>
    /// </summary>
    private struct Cutter(List<(int Start, int End)> cuts)
    {
        private int _from = -1;
        private int _end;
        private bool _isFirst = true;

        /// <summary>A field begins.</summary>
        public void Begin(int start)
        {
            if (_from >= 0)
            {
                cuts.Add((_from, start));
                _from = -1;
            }
        }

        /// <summary>It has ended.</summary>
        public void End(int start, int end, bool isLeftOut)
        {
            if (!isLeftOut)
            {
                _isFirst = false;
            }
            else if (_isFirst)
            {
                _from = start;
            }
            else
            {
                cuts.Add((_end, end));
            }

            _end = end;
        }

        /// <summary>The object has ended.</summary>
        public readonly void Complete()
        {
            if (_from >= 0)
            {
                cuts.Add((_from, _end));
            }
        }
    }

    private sealed class RefusedException(GatewayFailure failure) : Exception
    {
        public GatewayFailure Failure { get; } = failure;
    }
}
