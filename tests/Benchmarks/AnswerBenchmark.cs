using System.Diagnostics;
using System.Globalization;
using System.Text;
using LlmAspire.Api.Llm.Estimation;
using LlmAspire.Api.Llm.Wire;
using Spectre.Console;

namespace LlmAspire.Benchmarks;

/// <summary>What it costs to read a streamed answer, in processor time of one thread: on its way, and at its end when its usage is held against its text.</summary>
internal static class AnswerBenchmark
{
    private const int Rounds = 15;

    private static readonly TimeSpan Warmth = TimeSpan.FromSeconds(1);

    private const string Prose = "The harbour is quiet in winter and the ferries come only twice a week so people walk along the sea wall and talk of the weather ";

    public static void Run(IAnsiConsole console)
    {
        var table = new Table().AddColumns("answer", "reading a chunk, ns", "the same, mended, ns", "check by its size, ns", "of reading", "count, µs");
        foreach (var (name, prose) in new[] { ("English", Prose), ("Russian", "Зимой в гавани тихо и паромы ходят только два раза в неделю поэтому люди гуляют вдоль моря ") })
        {
            foreach (var tokens in new[] { 400, 4_000 })
            {
                var usual = Events(prose, tokens, """{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1796000000,"model":"chat-default","choices":[{"index":0,"delta":{"content":"TEXT"},"finish_reason":null}]}""");
                // Without an object and a time, and with an empty finish reason: each has to be written anew.
                var odd = Events(prose, tokens, """{"id":"chatcmpl-1","model":"chat-default","choices":[{"index":0,"delta":{"content":"TEXT"},"finish_reason":""}]}""");
                var text = Read(usual).Facts.Last.Text;
                var estimator = new UsageEstimator();
                estimator.Load();
                var reading = Measure(() => Read(usual));
                var check = Measure(() => text.IsWithin(tokens), repeat: 1_000);
                table.AddRow(
                    $"{name}, {tokens.ToString("N0", CultureInfo.InvariantCulture)} tokens",
                    Number(reading / tokens),
                    Number(Measure(() => Read(odd)) / tokens),
                    Number(check),
                    (check / reading).ToString("P3", CultureInfo.InvariantCulture),
                    Number(Measure(() => estimator.CountAnswer("gpt-6-luna", text)) / 1_000));
            }
        }

        console.Write(table);
    }

    private static AnswerReader Read(byte[][] events)
    {
        var reader = new AnswerReader(isStreamed: true, choices: 1, new ChunkCleaner("chatcmpl-0", 1_796_000_000, "chat-default"));
        reader.Shape("chat-default", tellsUsage: true);
        foreach (var one in events)
        {
            reader.Append(one);
        }

        reader.End();
        return reader;
    }

    /// <summary>One event for each token.</summary>
    private static byte[][] Events(string prose, int tokens, string chunk)
    {
        var words = prose.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return
        [
            .. Enumerable.Range(0, tokens).Select(index => Encoding.UTF8.GetBytes($"data: {chunk.Replace("TEXT", " " + words[index % words.Length], StringComparison.Ordinal)}\n\n")),
            Encoding.UTF8.GetBytes($$$"""
                data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1796000000,"model":"chat-default","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

                data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1796000000,"model":"chat-default","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":{{{tokens}}},"total_tokens":{{{tokens + 9}}}}}

                data: [DONE]


                """.ReplaceLineEndings("\n")),
        ];
    }

    /// <returns>Nanoseconds of one time, the median of the rounds.</returns>
    private static double Measure<T>(Func<T> work, int repeat = 20)
    {
        // The runtime compiles for speed what is used much, while it is used.
        var begun = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(begun) < Warmth)
        {
            GC.KeepAlive(work());
        }

        var rounds = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            for (var time = 0; time < repeat; time++)
            {
                GC.KeepAlive(work());
            }

            rounds.Add(Stopwatch.GetElapsedTime(started).TotalNanoseconds / repeat);
        }

        return rounds.Order().ElementAt(Rounds / 2);
    }

    private static string Number(double value) => value.ToString(value < 10 ? "0.0" : "N0", CultureInfo.InvariantCulture);
}
