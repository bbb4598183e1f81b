using System.Text;
using System.Text.Json;

namespace LlmAspire.TestMcpServer;

/// <summary>
/// A server that answers byte for byte what a test says, also what no library would write. Each character of an answer is a byte. A key is a method, or the name of a tool; an answer
/// is what follows the id, such as <c>"result":{"tools":[]}</c>.
/// </summary>
public sealed class ScriptedServer(IReadOnlyDictionary<string, string> answers)
{
    private const string Initialized =
        "\"result\":{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{\"tools\":{}},\"serverInfo\":{\"name\":\"scripted\",\"version\":\"1\"}}";

    private const string Unknown = "\"error\":{\"code\":-32601,\"message\":\"Method not found\"}";

    /// <summary>One line an answer: its key, a tab, and the answer.</summary>
    public static ScriptedServer Read(string path) => new(File.ReadAllLines(path, Encoding.Latin1)
        .Select(line => line.Split('\t', 2)).ToDictionary(parts => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(parts[0])), parts => parts[1]));

    /// <summary>The UTF-8 bytes of a text, each as a character.</summary>
    public static string Bytes(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>Null when the message needs no answer.</summary>
    public string? Answer(string message)
    {
        using var document = JsonDocument.Parse(message);
        var request = document.RootElement;
        if (!request.TryGetProperty("id", out var id))
        {
            return null;
        }

        var method = request.GetProperty("method").GetString()!;
        var key = method == "tools/call" ? request.GetProperty("params").GetProperty("name").GetString()! : method;
        var answer = answers.GetValueOrDefault(key) ?? (method == "initialize" ? Initialized : Unknown);
        return $"{{\"jsonrpc\":\"2.0\",\"id\":{id.GetRawText()},{answer}}}";
    }

    /// <summary>Answers over stdin and stdout until there is no more input.</summary>
    public async Task RunAsync()
    {
        using var input = new StreamReader(Console.OpenStandardInput(), Encoding.UTF8);
        await using var output = new StreamWriter(Console.OpenStandardOutput(), Encoding.Latin1) { AutoFlush = true, NewLine = "\n" };
        while (await input.ReadLineAsync() is { } line)
        {
            if (Answer(line) is { } answer)
            {
                await output.WriteLineAsync(answer);
            }
        }
    }
}
