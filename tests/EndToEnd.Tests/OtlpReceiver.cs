using System.Collections.Concurrent;
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
public sealed record ExportedSpan(string Service, string Name, string TraceId, string SpanId, string ParentSpanId);

/// <summary>Takes traces over OTLP/HTTP (protobuf) and keeps their spans.</summary>
public sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ExportedSpan> _spans = new();
    private readonly SemaphoreSlim _arrived = new(0);

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
        while (!condition(_spans))
        {
            await _arrived.WaitAsync(cancellationToken);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _arrived.Dispose();
    }

    private async Task<IResult> ReceiveAsync(HttpRequest request)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body);
        foreach (var span in OtlpTraces.Parse(body.ToArray()))
        {
            _spans.Enqueue(span);
        }

        _arrived.Release();
        return Results.Bytes([], "application/x-protobuf");
    }
}

/// <summary>
/// Reads the few fields of <c>opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest</c> that the tests look at:
/// resource_spans (1) → resource (1) → attributes (1); scope_spans (2) → spans (2) → trace_id (1), span_id (2), parent_span_id (4), name (5).
/// </summary>
internal static class OtlpTraces
{
    public static IEnumerable<ExportedSpan> Parse(byte[] request) =>
        Fields(request).Where(field => field.Number == 1).SelectMany(resourceSpans => ParseResourceSpans(resourceSpans.Value));

    private static List<ExportedSpan> ParseResourceSpans(byte[] resourceSpans)
    {
        var service = "";
        var spans = new List<byte[]>();
        foreach (var (number, value) in Fields(resourceSpans))
        {
            if (number == 1)
            {
                service = Fields(value).Where(field => field.Number == 1).Select(field => Attribute(field.Value))
                    .FirstOrDefault(attribute => attribute.Key == "service.name").Value ?? "";
            }
            else if (number == 2)
            {
                spans.AddRange(Fields(value).Where(field => field.Number == 2).Select(field => field.Value));
            }
        }

        return [.. spans.Select(span => ParseSpan(service, span))];
    }

    private static ExportedSpan ParseSpan(string service, byte[] span)
    {
        var fields = Fields(span).GroupBy(field => field.Number).ToDictionary(group => group.Key, group => group.First().Value);

        return new ExportedSpan(
            service,
            Text(fields.GetValueOrDefault(5, [])),
            Convert.ToHexStringLower(fields.GetValueOrDefault(1, [])),
            Convert.ToHexStringLower(fields.GetValueOrDefault(2, [])),
            Convert.ToHexStringLower(fields.GetValueOrDefault(4, [])));
    }

    /// <summary>KeyValue: key (1), value (2) → AnyValue: string_value (1).</summary>
    private static (string Key, string? Value) Attribute(byte[] keyValue)
    {
        var fields = Fields(keyValue).ToDictionary(field => field.Number, field => field.Value);
        var value = fields.TryGetValue(2, out var any) ? Fields(any).FirstOrDefault(field => field.Number == 1).Value : null;

        return (Text(fields[1]), value is null ? null : Text(value));
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
