using System.Diagnostics.Metrics;
using System.Text;
using System.Text.Json;
using LlmAspire.Api.Llm;
using LlmAspire.Api.Llm.Estimation;
using LlmAspire.Usage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;

namespace LlmAspire.Api.Tests.Llm;

/// <summary>Whatever fails between the opening of a call and its event, one after the other: the call settles, and its slot and its reserve come back.</summary>
public sealed class SettleFaultTests : IDisposable
{
    private readonly RecordingWriter _writer = new();
    private readonly RecordingOpener _opener = new();
    private readonly GatewayOptions _gateway = new();
    private readonly AccountingOptions _options = new() { MaxDrains = 0 };
    private readonly StubLifetime _lifetime = new();
    private readonly IMeterFactory _meters = new ServiceCollection().AddMetrics().BuildServiceProvider().GetRequiredService<IMeterFactory>();
    private readonly CallContext _context = new()
    {
        UserId = Guid.NewGuid(),
        OrgId = Guid.NewGuid(),
        RequestId = Guid.NewGuid(),
        Operation = UsageOperation.Chat,
        ModelAlias = "chat-default",
    };

    private TimeProvider _time = TimeProvider.System;
    private ILogger<CallAccounting> _logger = NullLogger<CallAccounting>.Instance;
    private IModelCatalog _catalog = new ModelCatalog(TimeProvider.System);
    private HttpMessageHandler? _transport;
    private ActiveCalls? _active;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, bool> Faults()
    {
        var faults = new TheoryData<string, bool>();
        foreach (var fault in (string[])["catalogue", "logger", "metrics", "text of an error that quotes half a character", "bytes", "headers", "sending", "end of the body", "listener of a call"])
        {
            faults.Add(fault, true);
            faults.Add(fault, false);
        }

        return faults;
    }

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task whatever_throws_the_call_makes_one_event(string fault, bool streaming)
    {
        await using var gateway = await TestGateway.StartAsync();
        using var listener = Break(fault, gateway);
        using var client = NewClient(gateway.BaseUrl);

        await AskAsync(client, streaming, Token);

        await Task.WhenAny(_context.WhenSettledAsync()).WaitAsync(TimeSpan.FromSeconds(30), Token);
        var row = Assert.Single(_writer.Events);
        Assert.Equal(Assert.Single(_opener.Calls).Id, row.Id);
        await Until.TrueAsync(() => _active!.Count == 0);
        Assert.Equal(0, _active!.Drains);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task a_call_whose_reader_neither_reads_nor_leaves_settles_itself_after_its_time(bool begun)
    {
        var time = new FakeTimeProvider();
        _time = time;
        var overdue = 0L;
        using var listener = Listen("llmaspire.call.overdue", count => Interlocked.Add(ref overdue, count));
        await using var gateway = await TestGateway.StartAsync();
        gateway.OnChat = Answers.SendAndWait(begun ? Answers.Content : "\n");
        using var client = NewClient(gateway.BaseUrl);
        using var scope = _context.Enter();
        var response = await client.SendAsync(Request(streaming: true), HttpCompletionOption.ResponseHeadersRead, Token);
        await using var stream = await response.Content.ReadAsStreamAsync(Token);
        if (begun)
        {
            await stream.ReadExactlyAsync(new byte[Answers.Content.Length], Token);
        }

        // Bytes came and nobody asks for more: no silence of the gateway, but not for ever either.
        for (var passed = TimeSpan.Zero; passed <= _options.MaxDuration + (2 * _options.SettleTimeout); passed += _options.SettleTimeout)
        {
            time.Advance(_options.SettleTimeout);
        }

        var settled = Assert.Single(await _context.WhenSettledAsync().WaitAsync(TimeSpan.FromSeconds(30), Token));
        Assert.Equal((UsageOutcome.Failed, UsageSource.Estimated, "model_timeout"), (settled.Usage.Outcome, settled.Usage.Source, settled.Failure?.Code));
        Assert.Equal(begun ? 3 : 0, settled.Usage.CompletionTokens);
        Assert.Single(_writer.Events);
        Assert.Equal(1, overdue);
    }

    [Fact]
    public async Task a_writer_that_ignores_its_token_holds_up_no_slot()
    {
        _options.SettleTimeout = TimeSpan.FromMilliseconds(50);
        await using var gateway = await TestGateway.StartAsync();
        using var client = NewClient(gateway.BaseUrl, new DeafWriter());

        await AskAsync(client, streaming: true, Token);

        await Assert.ThrowsAsync<LedgerUnavailableException>(() => _context.WhenSettledAsync());
        await Until.TrueAsync(() => _active!.Count == 0);
    }

    [Fact]
    public async Task a_call_that_no_gateway_accepted_used_nothing_even_when_its_caller_leaves()
    {
        var connecting = new TaskCompletionSource();
        _transport = new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancellationToken) =>
            {
                connecting.SetResult();
                await Task.Delay(Timeout.Infinite, cancellationToken);
                throw new InvalidOperationException("Never reached.");
            },
        };
        using var client = NewClient("http://127.0.0.1:1");
        using var leaving = new CancellationTokenSource();

        var asking = AskAsync(client, streaming: true, leaving.Token);
        await connecting.Task.WaitAsync(Token);
        await leaving.CancelAsync();
        await asking;

        var row = Assert.Single(await _context.WhenSettledAsync()).Usage;
        Assert.Equal((UsageOutcome.Disconnected, UsageSource.None, 0L, 0L), (row.Outcome, row.Source, row.PromptTokens, row.CompletionTokens));
    }

    public void Dispose()
    {
        _active?.Dispose();
        _transport?.Dispose();
        _meters.Dispose();
        _lifetime.Dispose();
    }

    private static HttpRequestMessage Request(bool streaming) => new(HttpMethod.Post, "v1/chat/completions")
    {
        Content = new StringContent(JsonSerializer.Serialize(new { model = "chat-default", stream = streaming, messages = new[] { new { role = "user", content = "Quote this" } } }), Encoding.UTF8, "application/json"),
    };

    private async Task AskAsync(HttpClient client, bool streaming, CancellationToken cancellationToken)
    {
        using var scope = _context.Enter();
        try
        {
            using var response = await client.SendAsync(Request(streaming), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
            await stream.CopyToAsync(Stream.Null, cancellationToken);
        }
        catch (Exception exception) when (exception is not ArgumentException { ParamName: "client" })
        {
            // What the caller sees of it is not the matter here.
        }
    }

    private MeterListener? Break(string fault, TestGateway gateway)
    {
        switch (fault)
        {
            case "catalogue":
                _catalog = new BrokenCatalog();
                return null;
            case "logger":
                _logger = new BrokenLogger();
                gateway.OnChat = Answers.SendJson(StatusCodes.Status500InternalServerError, Answers.ErrorBody);
                return null;
            case "metrics":
                return Listen("llmaspire.call.tokens", _ => throw new InvalidOperationException("The listener fails."));
            case "listener of a call":
                return Listen("llmaspire.call.first_token", _ => throw new InvalidOperationException("The listener fails."));
            case "text of an error that quotes half a character":
                gateway.OnChat = Answers.SendJson(StatusCodes.Status400BadRequest, """{"error":{"message":"Quote this \ud83d, and no more","code":"400"}}""");
                return null;
            default:
                _transport = new FaultyTransport(fault);
                return null;
        }
    }

    private MeterListener Listen(string name, Action<long> onMeasured)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Scope == _meters && instrument.Name == name)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<long>((_, value, _, _) => onMeasured(value));
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => onMeasured(1));
        listener.Start();
        return listener;
    }

    private HttpClient NewClient(string gatewayUrl, IUsageEventWriter? writer = null)
    {
        var active = _active = new ActiveCalls(_lifetime, Options.Create(_options), _time);
        return new HttpClient(new UsageAccountingHandler(new CallAccounting(
            _opener, writer ?? _writer, _catalog, new UsageEstimator(), active, new CallMetrics(_meters, active), Options.Create(_gateway), Options.Create(_options), _time, _logger))
        {
            InnerHandler = _transport ?? new SocketsHttpHandler(),
        })
        {
            BaseAddress = new Uri(gatewayUrl),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    private sealed class DeafWriter : IUsageEventWriter
    {
        public Task WriteAsync(UsageEvent usageEvent, CancellationToken cancellationToken) => new TaskCompletionSource().Task;
    }

    private sealed class BrokenLogger : ILogger<CallAccounting>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            throw new InvalidOperationException("The log is full.");
    }

    private sealed class BrokenCatalog : IModelCatalog
    {
        public bool IsLoaded => true;

        public bool IsStale => false;

        public TimeSpan? Age => null;

        public IReadOnlyList<ChatModel> ListModels() => throw new InvalidOperationException("The catalogue fails.");

        // Once: the cap of the call is asked for before it is opened.
        public ChatModel? FindModel(string id) => null;

        public Deployment? FindDeployment(string id) => throw new InvalidOperationException("The catalogue fails.");

        public IReadOnlyList<Deployment> ListDeployments(string alias) => throw new InvalidOperationException("The catalogue fails.");

        public Deployment? FindServing(string model) => throw new InvalidOperationException("The catalogue fails.");
    }

    /// <summary>A transport that fails with what no transport should throw.</summary>
    private sealed class FaultyTransport(string fault) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (fault == "sending")
            {
                throw new NotSupportedException("The transport fails.");
            }

            await request.Content!.CopyToAsync(Stream.Null, cancellationToken);
            if (fault == "headers")
            {
                throw new ArgumentOutOfRangeException(nameof(request), "The headers fail.");
            }

            return new HttpResponseMessage { Content = new StreamContent(new FaultyStream(fault == "bytes" ? "" : Answers.Content)) };
        }
    }

    private sealed class FaultyStream(string text) : MemoryStream(Encoding.UTF8.GetBytes(text))
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            Position < Length ? base.ReadAsync(buffer, cancellationToken) : throw new IndexOutOfRangeException("The bytes fail.");
    }
}
