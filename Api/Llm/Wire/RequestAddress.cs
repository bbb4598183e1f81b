using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LlmAspire.Api.Llm.Wire;

/// <summary>
/// Whether a server may fetch an address: <c>https</c>, and on the public web as far as can be seen. A name is not resolved here: what it means to the server that fetches, only that
/// server knows.
/// </summary>
internal static class RequestAddress
{
    public const int MostLength = 8192;

    public const string Expected = "data:image/…, or an address https://… on the public web";

    private const string Private = "the host is not on the public web";
    private const string Unusual = "the host is not written as usual";

    private const string Scheme = "https://";

    private const int BitsOfAddress = 32;

    /// <summary>Ends of names that the public web does not have, and that networks use for themselves.</summary>
    private static readonly string[] PrivateNames =
    [
        ".local", ".localhost", ".localdomain", ".internal", ".intranet", ".private", ".corp", ".home", ".home.arpa", ".lan", ".svc", ".test", ".invalid", ".onion",
    ];

    /// <summary>
    /// What is not public (IANA's registry of special purposes), multicast, reserved; and 168.63.129.16, where Azure's machines find their host.
    /// </summary>
    /// <seealso href="https://www.iana.org/assignments/iana-ipv4-special-registry"/>
    private static readonly IPNetwork[] PrivateAddresses =
    [
        .. ((string[])
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            // Of IPv6's public part: special purposes (Teredo among them), documentation, 6to4, which has an IPv4 address inside.
            "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        ]).Select(network => IPNetwork.Parse(network)),
    ];

    /// <returns>What is wrong with it; null when nothing is.</returns>
    public static string? Check(string address)
    {
        if (!address.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            return "it begins otherwise";
        }

        // Some readers take a backslash for a slash, and leave blanks and control characters out.
        if (address.AsSpan().ContainsAny('\\', ' ') || address.Any(char.IsControl))
        {
            return "it has a blank, a control character or a backslash";
        }

        var authority = address.AsSpan(Scheme.Length);
        authority = authority[..(authority.IndexOfAny('/', '?', '#') is >= 0 and var end ? end : authority.Length)];
        if (authority.Contains('@'))
        {
            return "it has a user name";
        }

        var hostEnd = authority.StartsWith('[') ? authority.IndexOf(']') + 1 : authority.IndexOf(':') is >= 0 and var colon ? colon : authority.Length;
        return IsPort(authority[hostEnd..]) ? CheckHost(authority[..hostEnd]) : Unusual;
    }

    private static bool IsPort(ReadOnlySpan<char> port) => port.IsEmpty || (port[0] == ':' && !port[1..].ContainsAnyExceptInRange('0', '9'));

    private static string? CheckHost(ReadOnlySpan<char> host)
    {
        if (host.StartsWith('['))
        {
            return CheckIpv6(host);
        }

        // A final dot only says that the name is whole.
        var name = (host.EndsWith('.') ? host[..^1] : host).ToString();
        var labels = name.Split('.');
        if (labels.Contains("") || !name.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.'))
        {
            // Readers make ordinary digits and dots of full-width ones.
            return $"{Unusual}: use letters of ASCII, other names begin with xn--";
        }

        return IsNumber(labels[^1]) ? CheckIpv4(labels)
            : labels.Length == 1 || PrivateNames.Any(end => $".{name}".EndsWith(end, StringComparison.OrdinalIgnoreCase)) ? Private
            : null;
    }

    private static string? CheckIpv6(ReadOnlySpan<char> host) =>
        host.Contains('%') || !IPAddress.TryParse(host, out var address) || address.AddressFamily != AddressFamily.InterNetworkV6 ? Unusual
        : !IsPublicIpv6(address) || PrivateAddresses.Any(network => network.Contains(address)) ? Private
        : null;

    /// <summary>Whether it is in 2000::/3. Outside are, besides what is private, addresses with one of IPv4 inside: ::ffff:0:0/96, 64:ff9b::/96.</summary>
    private static bool IsPublicIpv6(IPAddress address) => address.GetAddressBytes()[0] >> 5 == 1;

    /// <summary>Whether the whole is an address of IPv4, by its last label.</summary>
    /// <seealso href="https://url.spec.whatwg.org/#ends-in-a-number-checker"/>
    private static bool IsNumber(string label) => label.All(char.IsAsciiDigit) || (label.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && label[2..].All(char.IsAsciiHexDigit));

    /// <summary>Reads one to four numbers, decimal, octal or hexadecimal, of which the last fills what is left: 127.1, 0x7f000001 and 017700000001 are 127.0.0.1.</summary>
    /// <seealso href="https://url.spec.whatwg.org/#concept-ipv4-parser"/>
    private static string? CheckIpv4(string[] labels)
    {
        const int MostParts = 4;
        if (labels.Length > MostParts)
        {
            return Unusual;
        }

        var value = 0L;
        for (var i = 0; i < labels.Length; i++)
        {
            var bits = i == labels.Length - 1 ? BitsOfAddress - (8 * i) : 8;
            if (ReadNumber(labels[i]) is not { } number || number >= 1L << bits)
            {
                return Unusual;
            }

            value = (value << bits) | number;
        }

        var address = new IPAddress([(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value]);
        return PrivateAddresses.Any(network => network.Contains(address)) ? Private : null;
    }

    private static long? ReadNumber(string label)
    {
        var isHex = label.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (isHex)
        {
            return label.Length == 2 ? 0 : long.TryParse(label.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) && hex >= 0 ? hex : null;
        }

        if (label.Length > 1 && label[0] == '0')
        {
            return ReadOctal(label);
        }

        return long.TryParse(label, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static long? ReadOctal(string label)
    {
        const int MostDigits = 12;
        return label.Length > MostDigits || !label.All(digit => digit is >= '0' and <= '7') ? null : label.Aggregate(0L, (value, digit) => (value * 8) + (digit - '0'));
    }
}
