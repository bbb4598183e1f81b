using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;

namespace LlmAspire.Api.Tools;

/// <summary>
/// The names by which models know tools. Tools may have any name; OpenAI's API takes <c>^[a-zA-Z0-9_-]{1,64}$</c>, and providers that take more are fewer. A name of that form stays; any other
/// becomes what is readable of it and a hash: <c>files.read/all</c> is <c>files_read_all_6c1f…</c>. It depends on the name alone: the same in each turn and process, and two names never become one.
/// </summary>
internal static partial class ToolNames
{
    private const int Longest = 64;
    private const int HashDigits = 16;

    public static bool IsValid(string name) => Valid().IsMatch(name);

    public static string ForModel(string name)
    {
        // What looks like a name that was made here is mapped too: it could be that of another tool.
        if (IsValid(name) && !Made().IsMatch(name))
        {
            return name;
        }

        var readable = Invalid().Replace(name, "_").Trim('_');
        readable = readable[..Math.Min(readable.Length, Longest - HashDigits - 1)];
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..HashDigits];
        return $"{(readable.Length == 0 ? "tool" : readable)}_{hash}";
    }

    [GeneratedRegex(@"^[a-zA-Z0-9_-]{1,64}\z")]
    private static partial Regex Valid();

    [GeneratedRegex(@"_[0-9a-f]{16}\z")]
    private static partial Regex Made();

    [GeneratedRegex("[^a-zA-Z0-9-]+")]
    private static partial Regex Invalid();
}
