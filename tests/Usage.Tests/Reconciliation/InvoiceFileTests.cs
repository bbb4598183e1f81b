namespace LlmAspire.Usage.Tests.Reconciliation;

public class InvoiceFileTests
{
    private const string Header = "day,provider,model,prompt_tokens,completion_tokens,cost_usd,calls\n";

    private static readonly DateOnly Today = new(2026, 11, 23);

    [Fact]
    public async Task columns_may_come_in_any_order_with_others_and_values_in_quotation_marks()
    {
        var lines = await ReadAsync("\uFEFFCost_USD, model ,day,note,provider,completion_tokens,prompt_tokens\r\n0.098,\"a \"\"b\"\", c\",2026-11-22,x,openai,34,12\r\n\r\n");

        Assert.Equal([new InvoiceLine(2, new DateOnly(2026, 11, 22), "openai", "a \"b\", c", null, 12, 34, 0.098m)], lines);
    }

    [Fact]
    public async Task calls_may_be_left_out_of_a_line() => Assert.Equal(
        [
            new InvoiceLine(2, Today, "p", "m", 7, 1, 2, 0m),
            new InvoiceLine(3, Today, "p", "n", null, 1, 2, 12345.678901234567m),
        ],
        await ReadAsync(Header + "2026-11-23,p,m,1,2,0,7\n2026-11-23,p,n,1,2,12345.678901234567,\n"));

    [Theory]
    [InlineData("", "1 - empty")]
    [InlineData("day,provider,model,prompt_tokens,completion_tokens,cost_usd,calls\n", "1 - empty")]
    [InlineData("day;provider;model\n", "1 day column_missing,1 provider column_missing,1 model column_missing,1 prompt_tokens column_missing,1 completion_tokens column_missing,1 cost_usd column_missing")]
    [InlineData("day,day,provider,model,prompt_tokens,completion_tokens,cost_usd\n", "1 day column_repeated")]
    [InlineData("day,provider,model,prompt_tokens,completion_tokens,cost_usd,Calls,note,note, calls\n", "1 calls column_repeated")]
    public async Task a_file_without_lines_or_columns_is_refused(string file, string problems) => Assert.Equal(problems, await ProblemsAsync(file));

    [Theory]
    [InlineData("22.11.2026,p,m,1,2,3,", "2 day day_invalid")]
    [InlineData("2026-11-24,p,m,1,2,3,", "2 day day_impossible")]
    [InlineData("1999-12-31,p,m,1,2,3,", "2 day day_impossible")]
    [InlineData("2026-11-23,,m,1,2,3,", "2 provider name_invalid")]
    [InlineData("2026-11-23,p,,1,2,3,", "2 model name_invalid")]
    [InlineData("2026-11-23,p,m\0,1,2,3,", "2 model name_invalid")]
    [InlineData("2026-11-23,p,m,1.5,2,3,", "2 prompt_tokens number_invalid")]
    [InlineData("2026-11-23,p,m,1,-2,3,", "2 completion_tokens number_invalid")]
    [InlineData("2026-11-23,p,m,1000000000000000,2,3,", "2 prompt_tokens number_invalid")]
    [InlineData("2026-11-23,p,m,1,2,$3,", "2 cost_usd cost_invalid")]
    [InlineData("2026-11-23,p,m,1,2,-3,", "2 cost_usd cost_invalid")]
    [InlineData("2026-11-23,p,m,1,2,0.1234567890123,", "2 cost_usd cost_invalid")]
    [InlineData("2026-11-23,p,m,1,2,3,many", "2 calls number_invalid")]
    [InlineData("2026-11-23,p,m,1,2", "2 cost_usd cost_invalid")]
    [InlineData("2026-11-23,p,m,1,2,3,\n2026-11-23,p,n,1,2,3,\n2026-11-23,p,m,4,5,6,", "4 - repeated")]
    [InlineData("x,,m,1,2,3,\n2026-11-23,p,m,x,2,3,", "2 day day_invalid,2 provider name_invalid,3 prompt_tokens number_invalid")]
    [InlineData("2026-11-23,p,a\"b,1,2,3,", "2 - quotes_invalid")]
    public async Task what_is_wrong_is_told_by_line_and_column(string lines, string problems) => Assert.Equal(problems, await ProblemsAsync(Header + lines + "\n"));

    [Fact]
    public async Task not_more_than_can_be_read_is_told()
    {
        var refused = await Assert.ThrowsAsync<InvoiceRefusedException>(() => ReadAsync(Header + string.Concat(Enumerable.Repeat("x,p,m,1,2,3,\n", 500))));

        Assert.Equal(100, refused.Problems.Count);
    }

    [Fact]
    public async Task a_file_that_is_too_long_is_refused()
    {
        var file = Header + string.Concat(Enumerable.Range(0, InvoiceFile.MostLines + 1).Select(line => $"2026-11-23,p,m{line},1,2,3,\n"));

        Assert.Equal($"{InvoiceFile.MostLines + 2} - too_many_lines", await ProblemsAsync(file));
    }

    private static async Task<string> ProblemsAsync(string file)
    {
        var refused = await Assert.ThrowsAsync<InvoiceRefusedException>(() => ReadAsync(file));
        Assert.All(refused.Problems, problem => Assert.NotEmpty(problem.Message));
        return string.Join(',', refused.Problems.Select(problem => $"{problem.Line} {problem.Column ?? "-"} {problem.Code}"));
    }

    private static Task<IReadOnlyList<InvoiceLine>> ReadAsync(string file) =>
        InvoiceFile.ReadAsync(new StreamReader(new MemoryStream(System.Text.Encoding.UTF8.GetBytes(file))), Today, TestContext.Current.CancellationToken);
}
