"""Japanese words and sentences."""

NAME = "Japanese"

ROOMS = {
    "kitchen": "キッチン", "bedroom": "寝室", "living room": "リビング", "bathroom": "浴室", "office": "書斎",
    "hall": "廊下", "garage": "ガレージ", "garden": "庭", "attic": "屋根裏", "cellar": "地下室"}
LISTS = {
    "shopping": "買い物", "todo": "やること", "packing": "荷物", "gift": "プレゼント", "party": "パーティー",
    "school": "学校", "garden": "園芸", "repair": "修理"}
ITEMS = (
    "牛乳", "パン", "卵", "米", "りんご", "チーズ", "緑茶", "コーヒー", "バター", "石けん", "紙", "電池", "靴下",
    "タオル", "パスポート", "充電器", "傘", "カメラ", "本", "ろうそく", "マフラー", "水", "風船", "鉛筆", "のり", "種")
TITLES = (
    "歯医者", "会議", "電話", "昼食", "ヨガ", "ジム", "診察", "ピアノ教室", "夕食", "面接", "散髪", "誕生日会")
LABELS = ("パスタ", "お茶", "ご飯", "卵", "ケーキ", "洗濯", "スープ", "ピザ", "休憩", "オーブン")
WEEKDAYS = {
    "Monday": "月曜日", "Tuesday": "火曜日", "Wednesday": "水曜日", "Thursday": "木曜日", "Friday": "金曜日",
    "Saturday": "土曜日", "Sunday": "日曜日", "today": "今日", "tomorrow": "明日"}
MONTHS = {
    "January": "1月", "February": "2月", "March": "3月", "April": "4月", "May": "5月", "June": "6月",
    "July": "7月", "August": "8月", "September": "9月", "October": "10月", "November": "11月", "December": "12月"}
NAMES = ("佐藤さん", "鈴木さん", "高橋さん", "田中さん", "伊藤さん", "山本さん", "中村さん", "小林さん")
CITIES = ("東京", "大阪", "京都", "札幌", "福岡", "仙台", "広島", "神戸")
THINGS = ("ランプ", "いす", "机", "自転車", "ラジオ", "時計", "鏡", "やかん")
UNITS = {
    "km": "キロメートル", "miles": "マイル", "kg": "キログラム", "pounds": "ポンド", "cm": "センチ", "inches": "インチ",
    "litres": "リットル", "gallons": "ガロン", "metres": "メートル", "feet": "フィート", "celsius": "℃",
    "fahrenheit": "℉"}
OPERATORS = {"+": "足す", "-": "引く", "*": "掛ける", "/": "割る"}
FOREIGN_REQUESTS = {
    "music": ("{x}をかけて。", ("ジャズ", "ロック", "オペラ", "民謡", "ピアノの曲")),
    "food": ("{x}を注文して。", ("ピザ", "寿司", "サラダ", "ラーメン", "カレー")),
    "flight": ("{x}行きの飛行機を予約して。", ("ローマ", "オスロ", "東京", "キーウ", "リマ")),
    "call": ("{x}に電話して。", ("佐藤さん", "母", "銀行", "タクシー", "田中さん")),
    "news": ("{x}のニュースを読んで。", ("スポーツ", "科学", "政治", "映画", "交通")),
}

REQUESTS = {
    "light_on": ("{room}の電気をつけて。", "{room}の電気をつけてください。", "{room}を明るくして。", "{room}が暗いです。"),
    "light_off": ("{room}の電気を消して。", "{room}の電気を消してください。", "{room}を暗くして。",
                  "{room}の電気はいりません。"),
    "light_level": ("{room}の明るさを{n}%にして。", "{room}の電気を{n}%にしてください。"),
    "heating": ("{room}の暖房を{n}度にして。", "{room}を{n}度にしてください。", "{room}を{n}度まで暖めて。"),
    "timer": ("{n}分のタイマーをかけて。", "タイマーを{n}分にして。", "{n}分後に起こして。"),
    "timer_hours": ("{n}時間のタイマーをかけて。", "{n}時間後に起こして。"),
    "timer_label": ("{label}のタイマーを{n}分かけて。", "{label}に{n}分のタイマーをお願い。", "{n}分後に{label}と知らせて。"),
    "event": ("{day}の{time}に{title}を入れて。", "予定に追加して: {title}、{day}、{time}。",
              "{day}{time}の{title}をカレンダーに書いて。"),
    "agenda": ("{day}の予定は?", "{day}の予定を見せて。", "{day}は何がありますか?"),
    "convert": ("{n}{unit}を{target}に換算して。", "{n}{unit}は何{target}?"),
    "calculate": ("{sum} は?", "{sum} を計算して。", "{sum} = ?", "{words}は?"),
    "list_add": ("{list}リストに{item}を追加して。", "{item}を{list}リストに書いて。", "{list}リストに{item}をお願い。"),
    "list_read": ("{list}リストには何がありますか?", "{list}リストを読んで。", "{list}リストを見せて。"),
    "same_room": ("{room}は?", "{room}もお願い。", "{room}も同じにして。"),
    "both": ("{a}{b}", "{a}それから、{b}", "{a}あと、{b}"),
}
ANSWERS = {
    "light_on": "{room}の電気をつけました。",
    "light_off": "{room}の電気を消しました。",
    "light_level": "{room}の明るさを{n}%にしました。",
    "heating": "{room}の暖房を{n}度にしました。",
    "timer": "{n}分のタイマーを始めました。",
    "timer_label": "{label}のタイマーを{n}分で始めました。",
    "event": "追加しました: {title}、{day}、{time}。",
    "agenda": "{day}の予定: {events}。",
    "agenda_empty": "{day}の予定はありません。",
    "convert": "{n}{unit}は{result}{target}です。",
    "calculate": "{sum} = {result}。",
    "list_add": "{list}リストに{item}を追加しました。",
    "list_read": "{list}リスト: {items}。",
    "list_empty": "{list}リストは空です。",
    "error": "できませんでした: {reason}。",
    "no_tool": "すみません、{topic}のツールがありません。",
}
TOPICS = {
    "set_light": "電気", "set_heating": "暖房", "set_timer": "タイマー", "add_event": "予定の追加",
    "list_events": "予定の確認", "convert": "単位", "calculate": "計算", "add_to_list": "リストへの追加",
    "read_list": "リストの確認", "foreign": "そのため"}
FACTS = {
    "work": ("{name}は{city}で働いています。", ("{name}はどこで働いていますか?", "{name}が働いている町は?")),
    "visit": ("{name}は{day}の{time}に来ます。", ("{name}はいつ来ますか?", "{name}が来るのはいつ?")),
    "price": ("{thing}は{n}ユーロです。", ("{thing}はいくらですか?", "{thing}の値段は?")),
}
QUESTION = ("{text}{question}", "読んで: {text}{question}", "{question} 文: {text}")
AS_JSON = ("{text}キー {keys} のJSONで答えて。", "{keys} をJSONで: {text}")
JOIN = ""
SMALL_TALK = (
    ("こんにちは。", "こんにちは。ご用は何ですか?"), ("おはよう。", "おはようございます。ご用は何ですか?"),
    ("ありがとう。", "どういたしまして。"), ("あなたは誰?", "sluiceの小さなデモモデルです。"),
    ("何ができますか?", "電気、暖房、タイマー、予定、リスト、単位、計算のツールを使います。"), ("さようなら。", "さようなら。"))
