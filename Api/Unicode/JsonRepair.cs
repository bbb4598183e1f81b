using System.Globalization;
using System.Text;

namespace LlmAspire.Api.Unicode;

/// <summary>
/// Replaces in JSON text what <see cref="OddText"/> replaces in strings: escapes of half a character (<c>\ud800</c>), of a NUL (<c>\u0000</c>) and of other control characters, and control
/// characters that stand there as they are, which JSON forbids. All else stays as it is, also what is no JSON. The text may come in pieces, cut anywhere; each line begins outside of a string.
/// Not thread-safe.
/// </summary>
/// <param name="keepControls">Leaves escapes of control characters as they are, that of a NUL excepted: what PostgreSQL's <c>jsonb</c> takes.</param>
internal sealed class JsonRepair(bool keepControls = false)
{
    private const string Replacement = "\\ufffd";

    private readonly char[] _digits = new char[4];
    private State _state;
    private int _digitCount;
    private bool _isInString;

    /// <summary>The first half of a character, which may be the last thing that came; 0 for none.</summary>
    private char _high;

    private enum State
    {
        Plain,

        /// <summary>After a backslash.</summary>
        Escape,

        /// <summary>After <c>\u</c>.</summary>
        Digits,
    }

    /// <summary>A whole text.</summary>
    public static string Repair(string json, bool keepControls = false)
    {
        var result = new StringBuilder(json.Length);
        var repair = new JsonRepair(keepControls);
        repair.Append(json, result);
        repair.End(result);
        return result.ToString();
    }

    /// <summary>The next piece.</summary>
    public void Append(ReadOnlySpan<char> json, StringBuilder result)
    {
        foreach (var one in json)
        {
            switch (_state)
            {
                case State.Escape:
                    AppendEscape(one, result);
                    break;
                case State.Digits when char.IsAsciiHexDigit(one):
                    AppendDigit(one, result);
                    break;
                case State.Digits:
                    End(result);
                    AppendPlain(one, result);
                    break;
                default:
                    AppendPlain(one, result);
                    break;
            }
        }
    }

    /// <summary>There is no more: what was held back is written.</summary>
    public void End(StringBuilder result)
    {
        AppendHalf(result);
        if (_state != State.Plain)
        {
            result.Append(_state == State.Escape ? "\\" : "\\u").Append(_digits, 0, _digitCount);
        }

        (_state, _digitCount) = (State.Plain, 0);
    }

    private void AppendPlain(char one, StringBuilder result)
    {
        if (one == '\\')
        {
            _state = State.Escape;
            return;
        }

        AppendHalf(result);
        _isInString = one switch
        {
            '"' => !_isInString,
            '\n' or '\r' => false,
            _ => _isInString,
        };
        if (one == '\t' && _isInString)
        {
            result.Append("\\t");
        }
        else if (OddText.IsControl(one))
        {
            result.Append(_isInString ? '\uFFFD' : ' ');
        }
        else
        {
            result.Append(one);
        }
    }

    private void AppendEscape(char one, StringBuilder result)
    {
        if (one == 'u')
        {
            _state = State.Digits;
            return;
        }

        AppendHalf(result);
        _state = State.Plain;
        if (one is 'b' or 'f' && !keepControls)
        {
            result.Append(Replacement);
            return;
        }

        result.Append('\\').Append(one);
        _isInString &= one is not ('\n' or '\r');
    }

    private void AppendDigit(char digit, StringBuilder result)
    {
        _digits[_digitCount++] = digit;
        if (_digitCount < _digits.Length)
        {
            return;
        }

        (_state, _digitCount) = (State.Plain, 0);
        var one = (char)int.Parse(_digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
        if (char.IsLowSurrogate(one) && _high != 0)
        {
            result.Append(CultureInfo.InvariantCulture, $"\\u{(int)_high:x4}\\u{(int)one:x4}");
            _high = '\0';
            return;
        }

        AppendHalf(result);
        if (char.IsHighSurrogate(one))
        {
            _high = one;
        }
        else if (char.IsLowSurrogate(one) || one == '\0' || (OddText.IsControl(one) && !keepControls))
        {
            result.Append(Replacement);
        }
        else
        {
            result.Append("\\u").Append(_digits);
        }
    }

    private void AppendHalf(StringBuilder result)
    {
        if (_high != 0)
        {
            result.Append(Replacement);
            _high = '\0';
        }
    }
}
