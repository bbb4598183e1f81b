using System.Globalization;
using System.Numerics;

namespace LlmAspire.Api.Tools.BuiltIn;

/// <summary>An exact number of bounded size: a fraction in lowest terms, its denominator above 0.</summary>
internal readonly record struct Rational
{
    /// <summary>Of numerator and denominator each: some 1,200 digits. Beyond that a calculation would only heat the machine.</summary>
    private const long MaxBits = 4_096;

    private const int ShownDigits = 30;

    private static readonly BigInteger RootScale = BigInteger.Pow(10, 40);

    private Rational(BigInteger numerator, BigInteger denominator, bool isRounded)
    {
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator);
        (Numerator, Denominator, IsRounded) = (numerator / divisor, denominator / divisor, isRounded);
        if (Numerator.GetBitLength() > MaxBits || Denominator.GetBitLength() > MaxBits)
        {
            throw TooLarge;
        }
    }

    public static ToolFailedException TooLarge => new("The numbers become too large to calculate with.");

    public BigInteger Numerator { get; }

    public BigInteger Denominator { get; }

    /// <summary>Whether a root on the way was rounded.</summary>
    public bool IsRounded { get; }

    public int Sign => Numerator.Sign;

    public bool IsWhole => Denominator.IsOne;

    public static Rational Of(BigInteger numerator, BigInteger denominator) => new(numerator, denominator, false);

    public static Rational operator +(Rational left, Rational right) => new(
        (left.Numerator * right.Denominator) + (right.Numerator * left.Denominator), left.Denominator * right.Denominator, left.IsRounded || right.IsRounded);

    public static Rational operator -(Rational value) => new(-value.Numerator, value.Denominator, value.IsRounded);

    public static Rational operator -(Rational left, Rational right) => left + -right;

    public static Rational operator *(Rational left, Rational right) =>
        new(left.Numerator * right.Numerator, left.Denominator * right.Denominator, left.IsRounded || right.IsRounded);

    public static Rational operator /(Rational left, Rational right)
    {
        if (right.Sign == 0)
        {
            throw new ToolFailedException("It divides by zero.");
        }

        return new(
            left.Numerator * right.Denominator * right.Sign, left.Denominator * BigInteger.Abs(right.Numerator), left.IsRounded || right.IsRounded);
    }

    /// <summary>With the sign of the dividend, as in C#.</summary>
    public static Rational operator %(Rational left, Rational right)
    {
        var quotient = left / right;
        return left - (right * new Rational(BigInteger.Divide(quotient.Numerator, quotient.Denominator), 1, false));
    }

    public Rational Power(Rational exponent)
    {
        // Before it is calculated: the bits of a power can be told.
        if (!exponent.IsWhole || BigInteger.Abs(exponent.Numerator) > MaxBits)
        {
            throw new ToolFailedException($"An exponent has to be a whole number of at most {MaxBits}.");
        }

        var times = (int)BigInteger.Abs(exponent.Numerator);
        if ((Math.Max(Numerator.GetBitLength(), Denominator.GetBitLength()) - 1) * times > MaxBits)
        {
            throw TooLarge;
        }

        var power = new Rational(BigInteger.Pow(Numerator, times), BigInteger.Pow(Denominator, times), IsRounded);
        return exponent.Sign < 0 ? Of(1, 1) / power : power;
    }

    public Rational Abs() => Sign < 0 ? -this : this;

    public Rational Floor() => new(Numerator.Sign < 0 ? -((-Numerator + Denominator - 1) / Denominator) : Numerator / Denominator, 1, IsRounded);

    public Rational Ceiling() => -(-this).Floor();

    /// <summary>Halves go away from zero.</summary>
    public Rational Round(int digits)
    {
        var scale = new Rational(BigInteger.Pow(10, digits), 1, false);
        var half = Of(1, 2);
        var rounded = ((Abs() * scale) + half).Floor() / scale;
        return Sign < 0 ? -rounded : rounded;
    }

    /// <summary>Exact for squares, otherwise rounded down to 40 decimal places.</summary>
    public Rational SquareRoot()
    {
        if (Sign < 0)
        {
            throw new ToolFailedException("It takes the square root of a negative number.");
        }

        var (numerator, denominator) = (Root(Numerator), Root(Denominator));
        return (numerator * numerator) == Numerator && (denominator * denominator) == Denominator
            ? new Rational(numerator, denominator, IsRounded)
            : new Rational(Root(Numerator * RootScale * RootScale / Denominator), RootScale, true);
    }

    public int CompareTo(Rational other) => (Numerator * other.Denominator).CompareTo(other.Numerator * Denominator);

    /// <summary>As a decimal number of at most 30 digits after the point, all of those before it.</summary>
    public string ToText(out bool isExact)
    {
        var scaled = Round(ShownDigits);
        isExact = !IsRounded && scaled.CompareTo(this) == 0;
        var digits = (BigInteger.Abs(scaled.Numerator) * BigInteger.Pow(10, ShownDigits) / scaled.Denominator).ToString(CultureInfo.InvariantCulture).PadLeft(ShownDigits + 1, '0');
        var fraction = digits[^ShownDigits..].TrimEnd('0');
        return (scaled.Sign < 0 ? "-" : "") + digits[..^ShownDigits] + (fraction.Length > 0 ? "." + fraction : "");
    }

    /// <summary>The whole part, by Newton's method from above.</summary>
    private static BigInteger Root(BigInteger value)
    {
        if (value < 2)
        {
            return value;
        }

        var root = BigInteger.One << (int)((value.GetBitLength() + 1) / 2);
        while (true)
        {
            var next = (root + (value / root)) >> 1;
            if (next >= root)
            {
                return root;
            }

            root = next;
        }
    }
}
