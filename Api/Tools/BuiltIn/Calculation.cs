using System.Globalization;
using System.Numerics;

namespace LlmAspire.Api.Tools.BuiltIn;

/// <summary>
/// Reads an arithmetic expression and calculates it on the way, by precedence climbing. From loose to tight: <c>+ -</c>, <c>* / %</c>, a sign, <c>^</c>
/// (from the right: 2^3^2 is 512, and -2^2 is -4).
/// </summary>
internal sealed class Calculation
{
    private const int MaxCharacters = 1_000;
    private const int MaxDepth = 50;
    private const int MaxScale = 1_000;

    private readonly string _text;
    private int _at;
    private int _depth;

    private Calculation(string text) => _text = text;

    /// <exception cref="ToolFailedException">It is no expression, or too large a calculation; says which, and where.</exception>
    public static Rational Evaluate(string expression)
    {
        if (expression.Length > MaxCharacters)
        {
            throw new ToolFailedException($"An expression has at most {MaxCharacters} characters.");
        }

        var calculation = new Calculation(expression);
        var value = calculation.Sum();
        return calculation.Peek() is { } rest ? throw calculation.Wrong($"'{rest}' is not expected") : value;
    }

    private Rational Sum()
    {
        Enter();
        var value = Product();
        while (true)
        {
            if (Take('+'))
            {
                value += Product();
            }
            else if (Take('-') || Take('−'))
            {
                value -= Product();
            }
            else
            {
                _depth--;
                return value;
            }
        }
    }

    private Rational Product()
    {
        var value = Signed();
        while (true)
        {
            if (Take('*') || Take('×') || Take('·'))
            {
                value *= Signed();
            }
            else if (Take('/') || Take('÷'))
            {
                value /= Signed();
            }
            else if (Take('%'))
            {
                value %= Signed();
            }
            else
            {
                return value;
            }
        }
    }

    private Rational Signed()
    {
        Enter();
        var value = Take('-') || Take('−') ? -Signed() : Take('+') ? Signed() : Power();
        _depth--;
        return value;
    }

    private Rational Power()
    {
        var value = Primary();
        return Take('^') ? value.Power(Signed()) : value;
    }

    private Rational Primary()
    {
        if (Take('('))
        {
            var value = Sum();
            Expect(')');
            return value;
        }

        return Peek() switch
        {
            { } digit when char.IsAsciiDigit(digit) || digit == '.' => Number(),
            { } letter when char.IsAsciiLetter(letter) => Function(),
            null => throw Wrong("it ends too early"),
            { } other => throw Wrong($"'{other}' is not expected"),
        };
    }

    /// <summary>Such as 12, 0.5, .5 or 1.5e-3.</summary>
    private Rational Number()
    {
        var start = _at;
        var whole = Digits();
        var fraction = "";
        if (_at < _text.Length && _text[_at] == '.')
        {
            _at++;
            fraction = Digits();
        }

        if (whole.Length + fraction.Length == 0)
        {
            throw Wrong("a number has digits");
        }

        var scale = -fraction.Length;
        if (_at < _text.Length && _text[_at] is 'e' or 'E')
        {
            _at++;
            var negative = _at < _text.Length && _text[_at] == '-';
            _at += _at < _text.Length && _text[_at] is '+' or '-' ? 1 : 0;
            if (!int.TryParse(Digits(), NumberStyles.None, CultureInfo.InvariantCulture, out var exponent) || exponent > MaxScale)
            {
                throw Wrong($"the exponent of '{_text[start.._at]}' is not one of 0 to {MaxScale}");
            }

            scale += negative ? -exponent : exponent;
        }

        var digits = BigInteger.Parse("0" + whole + fraction, CultureInfo.InvariantCulture);
        return scale < 0 ? Rational.Of(digits, BigInteger.Pow(10, -scale)) : Rational.Of(digits * BigInteger.Pow(10, scale), 1);
    }

    private Rational Function()
    {
        var start = _at;
        while (_at < _text.Length && char.IsAsciiLetterOrDigit(_text[_at]))
        {
            _at++;
        }

        var name = _text[start.._at];
        Expect('(');
        List<Rational> values = [Sum()];
        while (Take(','))
        {
            values.Add(Sum());
        }

        Expect(')');
        return (name.ToLowerInvariant(), values) switch
        {
            ("abs", [var value]) => value.Abs(),
            ("floor", [var value]) => value.Floor(),
            ("ceil", [var value]) => value.Ceiling(),
            ("sqrt", [var value]) => value.SquareRoot(),
            ("round", [var value]) => value.Round(0),
            ("round", [var value, { IsWhole: true } digits]) when digits.Sign >= 0 && digits.Numerator <= MaxScale => value.Round((int)digits.Numerator),
            ("min", _) => values.Aggregate((least, value) => value.CompareTo(least) < 0 ? value : least),
            ("max", _) => values.Aggregate((most, value) => value.CompareTo(most) > 0 ? value : most),
            _ => throw Wrong($"there is no function {name} of {values.Count} values: there are abs, floor, ceil, round, sqrt, min and max"),
        };
    }

    private string Digits()
    {
        var start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at]))
        {
            _at++;
        }

        return _text[start.._at];
    }

    private char? Peek()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at]))
        {
            _at++;
        }

        return _at < _text.Length ? _text[_at] : null;
    }

    private bool Take(char wanted)
    {
        if (Peek() != wanted)
        {
            return false;
        }

        _at++;
        return true;
    }

    private void Expect(char wanted)
    {
        if (!Take(wanted))
        {
            throw Wrong($"'{wanted}' is missing");
        }
    }

    private void Enter()
    {
        if (++_depth > MaxDepth)
        {
            throw Wrong("it is nested too deeply");
        }
    }

    private ToolFailedException Wrong(string what) => new($"The expression is wrong at character {_at + 1}: {what}.");
}
