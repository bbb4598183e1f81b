using System.Text.Json;
using System.Text.Json.Nodes;
using LlmAspire.Api.Chat.Runs;
using LlmAspire.Api.Conversations.Data;
using LlmAspire.Usage;

namespace LlmAspire.Api.Tests.Runs;

/// <summary>Records of runs wait in the spool, where another version may find them.</summary>
public sealed class RunRecordFormatTests
{
    private static readonly Guid Id = Guid.Parse("0193f5a0-0000-7000-8000-000000000001");

    public static TheoryData<string, string> Names => new()
    {
        {
            nameof(RunStart),
            "at conversationId instanceId messageId model orgId prompt requestId runId title together tools traceId userId userMessage userMessageId userParentId"
        },
        { nameof(RunEvents), "attempt events first last runId text" },
        { nameof(RunEnd), "at content error finishReason forget lastEvents messageId runId status tools traceId usage" },
        { nameof(RunChosen), "conversationId messageId runId" },
    };

    /// <summary>An older version refuses what it does not know, record by record. With a new format it does not even touch the file.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void a_change_of_what_is_stored_raises_the_format_of_the_spool(string type, string names)
    {
        Assert.Equal(1, SpoolDatabase.FormatVersion);
        var record = typeof(RunRecord).Assembly.GetType($"{typeof(RunRecord).Namespace}.{type}", throwOnError: true)!;
        Assert.Equal(names, string.Join(' ', JsonSerializerOptions.Web.GetTypeInfo(record).Properties.Select(property => property.Name).Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void a_record_is_read_as_it_was_written_and_refused_with_a_member_of_a_newer_version()
    {
        RunEvents events = new(Id, 1, 2, 3, "text", "[]");
        RunRecord[] records =
        [
            new RunStart(Id, Id, Id, Id, Id, Id, "Title", Id, "Hello", null, Id, "chat-default", "trace", DateTimeOffset.UnixEpoch) { Tools = "[]", Together = true },
            events,
            new RunEnd(Id, Id, events, MessageStatus.Complete, "stop", "text", null, "{}", "trace", DateTimeOffset.UnixEpoch, new RunForgotten(Id, true, Id, null)),
            new RunChosen(Id, Id, Id),
        ];
        foreach (var record in records)
        {
            Assert.Equal(record, RunRecord.Deserialize(record.Serialize()));
            var newer = JsonNode.Parse(record.Serialize())!;
            newer["priority"] = 1;
            Assert.Throws<JsonException>(() => RunRecord.Deserialize(newer.ToJsonString()));
        }
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("""{"kind":"branch","runId":"0193f5a0-0000-7000-8000-000000000001"}""")]
    [InlineData("not JSON")]
    public void what_is_no_record_of_this_version_is_refused(string text) => Assert.ThrowsAny<JsonException>(() => RunRecord.Deserialize(text));
}
