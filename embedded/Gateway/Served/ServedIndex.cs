using System.Buffers.Text;
using System.Text.Json;
using LlmAspire.DemoGateway.Contract;

namespace LlmAspire.DemoGateway.Served;

/// <summary>
/// The calls of a <see cref="ServedLog"/>, added up from its lines. Nothing is read before somebody asks, and then only what was appended since the last time.
/// Holds the latest <see cref="Capacity"/> calls, some 300 bytes each; all of them stay in the file. Safe to use from any thread.
/// </summary>
internal sealed class ServedIndex(ServedLog log, int capacity = ServedIndex.Capacity) : IDisposable
{
    public const int Capacity = 250_000;

    private readonly SemaphoreSlim _lock = new(1);
    private readonly List<ServedEntry> _entries = [];
    private readonly Dictionary<Guid, ServedEntry> _byId = [];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private byte[] _buffer = new byte[1 << 20];
    private long _read;
    private int _leftOut;

    /// <summary>The calls on file, oldest first.</summary>
    /// <param name="callId">When given, only those with this <c>x-litellm-call-id</c>.</param>
    /// <param name="since">When given, only those accepted after the one with this id.</param>
    public async Task<ServedList> ReadAsync(string? callId, Guid? since, CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            await CatchUpAsync(cancellationToken);
            // Nearly always close to the end: whoever asks with an id has asked a moment ago. An unknown one leaves nothing out.
            var start = since is { } last ? _entries.FindLastIndex(entry => entry.Id == last) + 1 : 0;
            return new ServedList(
                [.. _entries.Skip(start).Where(entry => callId is null || entry.Head.CallId == callId).Select(entry => entry.ToCall())], _leftOut);
        }
        finally
        {
            _lock.Release();
        }
    }

    /// <summary>The calls that were accepted within a time and have ended, oldest first, with what their spend logs say beyond that.</summary>
    public async Task<IReadOnlyList<(ServedCall Call, SpendLogNote? Note)>> ReadEndedAsync(
        DateTimeOffset since, DateTimeOffset until, CancellationToken cancellationToken)
    {
        await _lock.WaitAsync(cancellationToken);
        try
        {
            await CatchUpAsync(cancellationToken);
            return [.. _entries.Where(entry => entry.AcceptedAt >= since && entry.AcceptedAt <= until)
                .Select(entry => (entry.ToCall(), entry.Head.SpendLog)).Where(entry => entry.Item1.Finished)];
        }
        finally
        {
            _lock.Release();
        }
    }

    public void Dispose() => _lock.Dispose();

    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        // The length ends with a line that is whole, whatever is being appended meanwhile.
        var end = log.Length;
        while (_read < end)
        {
            var length = await log.ReadAsync(_buffer.AsMemory(0, (int)Math.Min(_buffer.Length, end - _read)), _read, cancellationToken);
            var consumed = Consume(_buffer.AsSpan(0, length));
            if (consumed == 0)
            {
                _buffer = new byte[_buffer.Length * 2];
            }

            _read += consumed;
        }
    }

    private int Consume(ReadOnlySpan<byte> utf8)
    {
        var consumed = 0;
        while (utf8[consumed..].IndexOf((byte)'\n') is >= 0 and var length)
        {
            Add(utf8.Slice(consumed, length));
            consumed += length + 1;
        }

        return consumed;
    }

    private void Add(ReadOnlySpan<byte> line)
    {
        if (ParseTokens(line) is { } tokens)
        {
            if (_byId.TryGetValue(tokens.Id, out var running))
            {
                running.CompletionTokens = tokens.Count;
            }
        }
        else if (Parse(line) is not { } next)
        {
            // Half a line that an earlier gateway left when the disk was full or the power went.
        }
        else if (_byId.TryGetValue(next.Id, out var entry))
        {
            entry.Add(next);
        }
        else if (next is { Call: { } head, At: { } at })
        {
            Add(new ServedEntry(next.Id, at, head with
            {
                ModelId = Shared(head.ModelId),
                Alias = Shared(head.Alias),
                Provider = Shared(head.Provider),
                ServedModel = Shared(head.ServedModel),
            }));
        }
    }

    private void Add(ServedEntry entry)
    {
        if (_entries.Count == capacity)
        {
            // A tenth at once: taking the first out of a list moves all others.
            var surplus = Math.Max(capacity / 10, 1);
            _entries.GetRange(0, surplus).ForEach(old => _byId.Remove(old.Id));
            _entries.RemoveRange(0, surplus);
            _leftOut += surplus;
        }

        _entries.Add(entry);
        _byId.Add(entry.Id, entry);
    }

    /// <summary>One string for the same name in all calls.</summary>
    private string Shared(string name)
    {
        if (_names.TryGetValue(name, out var known))
        {
            return known;
        }

        _names.Add(name);
        return name;
    }

    /// <summary>The line of a token, without a JSON parser: of a hundred lines ninety-nine are of this form, and only this form ends so.</summary>
    private static (Guid Id, int Count)? ParseTokens(ReadOnlySpan<byte> line)
    {
        // {"id":"01a2062a-76cb-7a05-8142-b430b8689a62","completion_tokens":17}
        var before = "{\"id\":\""u8;
        var between = "\",\"completion_tokens\":"u8;
        return line.StartsWith(before)
            && Utf8Parser.TryParse(line[before.Length..], out Guid id, out var idLength)
            && line[(before.Length + idLength)..] is var rest
            && rest.StartsWith(between)
            && Utf8Parser.TryParse(rest[between.Length..], out int count, out var digits)
            && rest[(between.Length + digits)..].SequenceEqual("}"u8)
                ? (id, count)
                : null;
    }

    private static ServedEvent? Parse(ReadOnlySpan<byte> line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, GatewayJson.Wire.ServedEvent);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
