using System.Collections.Concurrent;
using System.Globalization;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmAspire.EndToEnd.Tests;

/// <summary>A span as a service exported it.</summary>
/// <param name="Service">The <c>service.name</c> of its resource.</param>
/// <param name="Source">The name of what made it, an activity source.</param>
/// <param name="ParentSpanId">Empty when it begins its trace.</param>
/// <param name="Tags">Its attributes, numbers as text.</param>
public sealed record ExportedSpan(
    string Service, string Source, string Name, string TraceId, string SpanId, string ParentSpanId, IReadOnlyDictionary<string, string> Tags)
{
    /// <summary>All that it says, for a search.</summary>
    public override string ToString() =>
        $"{Service} {Source}: {Name} (trace {TraceId}, parent {ParentSpanId}, {string.Join(", ", Tags.Select(tag => $"{tag.Key}={tag.Value}"))})";
}

/// <summary>Takes traces over OTLP/HTTP (protobuf) and keeps their spans.</summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ExportedSpan> _spans = new();
    private TaskCompletionSource _arrived = NewSignal();

    private OtlpReceiver(WebApplication app) => _app = app;

    /// <summary>The value for <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>, with the protocol <c>http/protobuf</c>.</summary>
    public string Endpoint => _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();

    public IReadOnlyCollection<ExportedSpan> Spans => _spans;

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var receiver = new OtlpReceiver(app);
        app.MapPost("/v1/traces", receiver.ReceiveAsync);
        app.MapPost("/v1/{signal}", () => Results.Ok());
        await app.StartAsync();

        return receiver;
    }

    /// <summary>Waits until the spans are as <paramref name="condition"/> says.</summary>
    public async Task WaitForAsync(Func<IReadOnlyCollection<ExportedSpan>, bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            // Taken before the look: what arrives during it ends the wait. Of all who wait, as tests run side by side.
            var arrived = Volatile.Read(ref _arrived).Task;
            if (condition(_spans))
            {
                return;
            }

            await arrived.WaitAsync(cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task<IResult> ReceiveAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        foreach (var span in OtlpTraces.Parse(body.ToArray()))
        {
            _spans.Enqueue(span);
        }

        Interlocked.Exchange(ref _arrived, NewSignal()).SetResult();
        return Results.Bytes([], "application/x-protobuf");
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>
/// Reads the few fields of <c>opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest</c> that the tests look at:
/// resource_spans (1) → resource (1) → attributes (1); scope_spans (2) → scope (1) → name (1) and spans (2) → trace_id (1), span_id (2), parent_span_id (4),
/// name (5), attributes (9).
/// </summary>
internal static class OtlpTraces
{
    public static IEnumerable<ExportedSpan> Parse(byte[] request) =>
        Fields(request).Where(field => field.Number == 1).SelectMany(resourceSpans => ParseResourceSpans(resourceSpans.Value));

    private static List<ExportedSpan> ParseResourceSpans(byte[] resourceSpans)
    {
        var service = "";
        var spans = new List<(string Source, byte[] Span)>();
        foreach (var (number, value) in Fields(resourceSpans))
        {
            if (number == 1)
            {
                service = Attributes(value, 1).GetValueOrDefault("service.name", "");
            }
            else if (number == 2)
            {
                var scope = Fields(value).FirstOrDefault(field => field.Number == 1).Value ?? [];
                var source = Text(Fields(scope).FirstOrDefault(field => field.Number == 1).Value ?? []);
                spans.AddRange(Fields(value).Where(field => field.Number == 2).Select(field => (source, field.Value)));
            }
        }

        return [.. spans.Select(span => ParseSpan(service, span.Source, span.Span))];
    }

    private static ExportedSpan ParseSpan(string service, string source, byte[] span)
    {
        var fields = Fields(span).GroupBy(field => field.Number).ToDictionary(group => group.Key, group => group.First().Value);

        return new ExportedSpan(
            service,
            source,
            Text(fields.GetValueOrDefault(5, [])),
            Convert.ToHexStringLower(fields.GetValueOrDefault(1, [])),
            Convert.ToHexStringLower(fields.GetValueOrDefault(2, [])),
            Convert.ToHexStringLower(fields.GetValueOrDefault(4, [])),
            Attributes(span, 9));
    }

    /// <summary>Of a field of repeated KeyValue: key (1), value (2) → AnyValue: string_value (1), int_value (3); what else there is counts as empty.</summary>
    private static Dictionary<string, string> Attributes(byte[] message, int number) =>
        Fields(message).Where(field => field.Number == number).Select(field => Fields(field.Value).ToDictionary(part => part.Number, part => part.Value))
            .DistinctBy(attribute => Text(attribute[1])).ToDictionary(attribute => Text(attribute[1]), attribute => Value(attribute.GetValueOrDefault(2, [])));

    private static string Value(byte[] any)
    {
        var input = new CodedInputStream(any);
        return input.ReadTag() switch
        {
            (1 << 3) | (uint)WireFormat.WireType.LengthDelimited => input.ReadString(),
            (3 << 3) | (uint)WireFormat.WireType.Varint => input.ReadInt64().ToString(CultureInfo.InvariantCulture),
            _ => "",
        };
    }

    private static string Text(byte[] value) => System.Text.Encoding.UTF8.GetString(value);

    /// <summary>The length-delimited fields of a message.</summary>
    private static List<(int Number, byte[] Value)> Fields(byte[] message)
    {
        var fields = new List<(int, byte[])>();
        var input = new CodedInputStream(message);
        while (input.ReadTag() is var tag and not 0)
        {
            if (WireFormat.GetTagWireType(tag) == WireFormat.WireType.LengthDelimited)
            {
                fields.Add((WireFormat.GetTagFieldNumber(tag), input.ReadBytes().ToByteArray()));
            }
            else
            {
                input.SkipLastField();
            }
        }

        return fields;
    }
}
