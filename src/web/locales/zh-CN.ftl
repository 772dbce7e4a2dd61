### 页面上的简体中文文字。如何添加语言见 docs/page.md。

## 页眉和页脚

page-title = mae-seg · 识别照片中的每个物体
page-promise = 识别照片中的每个物体，并抠出来。全程在本机运行，照片不会上传。
views = 视图
view-objects = 识别物体
view-objects-about = 找出照片中的物体
view-redraw = 遮住重画
view-redraw-about = 遮住照片的一部分，看模型把它画出来
backend-cpu = 使用 CPU 运行
backend-gpu = 使用显卡运行（WebGPU）
gpu-missing = 此设备无法使用 WebGPU，改用 CPU 运行
gpu-failed = WebGPU 在此设备上出错，改用 CPU 运行
gpu-wrong = WebGPU 在此设备上算得不对，改用 CPU 运行
footer-about = 免费开源，从训练到网页全部用 Rust 编写。
languages = 语言
photos-kept = 本机已保存 { $count } 张照片（{ $size }），下次打开仍在。
start-fresh = 全部清除
single-keys = 焦点在照片上时启用单键快捷键：V、B、E、H、+、−、0、[ 和 ]
model-kept = 模型（{ $size }）已保存在浏览器中，下次无需再下载。
remove-model = 删除模型

## 数字

megabytes = { NUMBER($megabytes, minimumFractionDigits: 1, maximumFractionDigits: 1) } MB
many-megabytes = { NUMBER($megabytes, maximumFractionDigits: 0) } MB
percent = { NUMBER($share, style: "percent", maximumFractionDigits: 0) }
pixels = { $count } 像素
seconds = { NUMBER($seconds, maximumFractionDigits: 0) } 秒
minutes = { NUMBER($minutes, maximumFractionDigits: 0) } 分钟

## 照片

photo = 照片
photos = 照片
your-photo = 您的照片
example = 每个物体都标上不同颜色的照片
choose-photos = 选择照片
choose-more-photos = 添加照片
ways-in = 或将照片、文件夹拖到这里，也可以直接粘贴
take-photo = 拍照
samples = 示例照片
samples-hint = 或试试这些示例
sample-astronaut = 宇航员
sample-photographer = 摄影师
sample-coffee = 一杯咖啡
photos-done = 共 { $count } 张照片，已完成 { $done } 张
photos-done-some-failed = { photos-done } · { $failed } 张无法使用
pause = 暂停
resume = 继续
stop = 停止
go-on-with = 继续处理 { $count } 张照片
photo-standing = { $name }：{ $standing }
standing-waiting = 等待中
standing-working = 处理中
standing-stopped = 未处理
remove-photo = 移除 { $name }

## 当前状态

result = 结果
progress = 进度
working = 处理中
getting-ready = 正在准备…
starting = 正在下载程序…
starting-of = 正在下载程序：{ $done } / { $total }
downloading = 正在下载模型：{ $done }
downloading-of = 正在下载模型：{ $done } / { $total }
warming-up = 正在准备显卡…
reading-photo = 正在读取照片…
looking = 正在识别物体…
stage-program = 程序
stage-model = 模型
stage-warm-up = 预热
stage-ready = 就绪
pace = { $rate }/秒 · 还需 { $left }
warming-up-for = 正在为首次使用准备显卡，已 { $seconds } 秒。
use-cpu = 改用 CPU
ready = 请选择照片
not-ready = 模型未就绪
objects = { $count } 个物体
objects-in = { objects } · { NUMBER($seconds, minimumFractionDigits: 1, maximumFractionDigits: 1) } 秒
ok = 知道了
dismiss = 关闭
try-again = 重试
restart = 重新启动
reload = 刷新页面
new-version = 此页面有新版本，您的照片会保留。
later = 稍后
keep-using = 继续使用 { $model }
use-model = 改用 { $model }

## 模型

model = 模型
models = 可选的模型
suited-model = 适合此设备的模型
load = 加载
hub-name = Hugging Face 上的其他模型
open-model = 打开模型文件夹
open-model-hint = 或拖到页面上
hub-terms = Hugging Face 上的模型会直接下载到您的浏览器，并适用其作者的许可协议，例如 Meta 的 MAE 不得用于商业用途（CC BY-NC 4.0）。没有学过识别物体的模型，需先微调才能使用。
compute-with = 运行方式
compute-fastest = 自动选择最快的
compute-gpu = 显卡（WebGPU）
compute-cpu = CPU
known-labels = 能识别的物体
list-separator = 、
labels = { $count } 种物体
accuracy = 准确度 { NUMBER($percent, minimumFractionDigits: 1, maximumFractionDigits: 1) }（AP50）
about-mae-tiny = 在任何设备上都很快，适合识别大而清晰的物体。
about-mae-small = 轮廓更准，没有显卡时每张照片约需两秒。
about-eomt-small = 能说出日常物品的名称，每张照片需要几秒。
about-eomt-base = 更准确，有显卡时使用最佳。
licence-research = 许可：研究与演示
licence-mit = MIT 许可
bundled = 页面自带
from-hub = 来自 Hugging Face
from-device = 来自本机
from-site = 来自本站
from-host = 来自 { $host }
measure-device = 测试本机速度
measuring = 正在测试：已完成 { $done } 次，共 { $runs } 次
measured = { $model } · 每张照片 { NUMBER($median, minimumFractionDigits: 2, maximumFractionDigits: 2) } 秒（{ NUMBER($least, minimumFractionDigits: 2, maximumFractionDigits: 2) } 至 { NUMBER($most, minimumFractionDigits: 2, maximumFractionDigits: 2) } 秒，{ $runs } 次，600 × 400） · { $device }
threads-of = { $device }，{ $cores } 线程中的 { $threads } 个
copy-line = 复制这一行
offer = 想要更准确的轮廓？可从 Hugging Face 下载 { $model }，只需下载一次（{ $size }，{ $licence }）。
use-it = 使用
no-thanks = 不用了

## 物体

minimum-confidence = 最低可信度
objects-found = 找到的物体
nothing-certain = 没有物体达到这个可信度。请调低最低可信度，或在照片上点一下想找的物体。
more-below = 还有 { $count } 个低于 { NUMBER($share, style: "percent", maximumFractionDigits: 0) }。
show-them = 显示
look-closer = 再仔细找找小物体
share-of-photo = 占照片 { NUMBER($share, style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1) }
hide = 隐藏
object-menu = 对此物体的操作
menu-save = 保存抠图
menu-copy = 复制抠图
show = 显示
hide-object = 隐藏“{ $label }”
show-object = 显示“{ $label }”
named-object = { $label } { NUMBER($share, style: "percent", maximumFractionDigits: 0) }

## 工具

photo-keys = 照片：方向键移动光标，回车键选择光标处的物体，Shift 加回车键添加一处，Alt 加回车键减去一处；使用画笔时按住空格键绘制；加号和减号缩放，0 显示整张照片
tools = 点击照片时
tool-pick = 选择
tool-pick-about = 点击物体即可选中，点击其他地方可寻找物体（V）
tool-add = 添加
tool-add-about = 给物体添加一处（按住 Shift 点击）
tool-remove = 减去
tool-remove-about = 从物体中减去一处（按住 Alt 点击）
tool-box = 框选
tool-box-about = 框出一个物体来识别它（拖动鼠标；按住 Shift 可选中框内所有物体）
tool-brush = 画笔
tool-brush-about = 涂抹属于所选物体的部分，或画出新物体（B）
tool-eraser = 橡皮擦
tool-eraser-about = 擦掉不属于所选物体的部分（E）
tool-hand = 移动
tool-hand-about = 移动照片（H，或按住鼠标中键拖动）
hint-new-object = 画出一个新物体。
hint-restore = 涂抹属于所选物体的部分。按 Esc 键结束。
hint-pick-first = 请先选择一个物体。
hint-erase = 擦掉不属于所选物体的部分。按 Esc 键结束。
hint-hand = 拖动照片。用滚轮或双指缩放。
hint-several = 下面的操作会应用到所有选中的物体。按 Esc 键取消选择。
hint-choices = 此处第 { $choice } 个结果，共 { $choices } 个：再次点击可切换。
hint-add = 可以添加几处，或减去几处。
hint-again = 再次点击，可选中它的局部或整体。
hint-click = 点击任意物体即可选中或识别，也可以拖动框选。
hint-brush-keys = 也可用键盘：方向键移动画笔，按住空格键绘制，[ 和 ] 调整大小。
put-back = 取消选择
put-back-about = Esc 键
brush = 画笔
brush-size = 画笔大小
brush-size-about = 画笔大小（在照片上按 [ 和 ] 调整）
brush-softness = 边缘柔和度
brush-softness-about = 画笔边缘的柔和程度，抠图时会保留
history = 历史记录
undo = 撤销
undo-about = 撤销（Ctrl+Z）
redo = 重做
redo-about = 重做（Ctrl+Shift+Z）
zoom = 缩放
zoom-out = 缩小
zoom-out-about = 缩小（−）
zoom-in = 放大
zoom-in-about = 放大（+，或滚轮）
fit = 适应
fit-about = 显示整张照片（0）
bare = 按住看原图
bare-about = 按住时只显示照片本身

## 修改物体

picked-objects = 选中的物体
nothing-picked = 未选中物体。按住 Shift 或 Ctrl 点击可多选，Ctrl+A 全选。
picked = 已选中 { $count } 个
name = 名称
name-none = 先选择物体
name-several = 多个名称
hide-about = 不显示，也不保存
merge = 合并
merge-about = 将多个物体合为一个
split = 拆分
split-about = 将不相连的部分拆成多个物体
delete = 删除
delete-about = 删除（Del）
new = 新建
new-about = 新建空白物体，用画笔画出来
fill = 填补空洞
fill-about = 填补物体内部的空洞
refine = 贴合边缘
refine-about = 让轮廓贴合照片中的边缘，头发和毛皮处更柔和
smooth = 平滑
smooth-about = 让轮廓更圆滑
grow = 扩大
grow-about = 向四周扩大
shrink = 收缩
shrink-about = 向内收缩
by-pixels = 幅度
pixels-unit = 像素
by-pixels-about = 平滑、扩大或收缩的像素数

## 快捷键

shortcuts-button = 键盘快捷键（?）
shortcuts = 键盘快捷键
close = 关闭
key-point = 在照片上移动光标
key-pick = 选择光标处的物体
key-add = 给物体添加一处
key-remove = 从物体中减去一处
key-put-back = 取消选择
key-menu = 打开物体的菜单
key-delete = 删除选中的物体
key-undo = 撤销
key-redo = 重做
key-pick-all = 选中所有物体
key-clicks = 点击选择
key-brush = 画笔：添加到物体
key-erase = 画笔：擦除
key-brush-size = 缩小或放大画笔
key-move = 移动照片
key-zoom = 放大或缩小
key-fit = 显示整张照片

## 保存

save = 保存
save-what = 保存内容
save-cut-out = 抠图
save-cut-outs = 抠图，每个物体一张
save-background = 更换背景
save-mask = 黑白蒙版
save-masks = 蒙版，每个物体一张，另附编号图
save-overlay = 画上蒙版的照片
save-coco = COCO JSON，游程编码
save-coco-polygons = COCO JSON，多边形
save-yolo = YOLO 分割格式
save-labelme = LabelMe JSON
save-cvat = CVAT XML
save-svg = SVG
save-everything = 全部内容（zip）
save-which = 保存哪些物体
which-picked = 选中的物体（{ $count }）
which-all = 显示的所有物体（{ $count }）
which-photos = 所有照片（{ $count }）
frame = 画面大小
frame-tight = 裁剪到物体
frame-full = 与照片同样大小
file-format = 文件格式
format-png = PNG
format-webp = WebP，文件更小
background = 背景
behind-blur = 原背景，虚化
behind-colour = 纯色
behind-photo = 另一张照片
colour = 颜色
backdrop = 背景照片
take-home = 保存、复制或分享
copy = 复制
share = 分享
left-out-objects = 未包含 { $count } 个隐藏或空白的物体。

## 遮住重画

redraw-about = 这个模型在学习时，每张照片都被遮住了大半：它只看剩下的小方块，再画出其余部分。画出的内容并非来自照片，而是这类画面通常的样子。遮得越多，要看的越少，画得也越快。
drawn-by = 绘制模型
redraw-hub-name = Hugging Face 上的其他绘制模型
redraw-terms = Meta 的 MAE 会直接下载到您的浏览器，大小为 450 MB，不得用于商业用途（CC BY-NC 4.0）。也可以将本机的模型文件夹拖到页面上。
patches = { $side } × { $side } 个小方块
nothing-drawn = 无法绘制
drawn-in = 用时 { NUMBER($first, maximumFractionDigits: 0) } 毫秒
both-drawn-in = 用时 { NUMBER($first, maximumFractionDigits: 0) } 和 { NUMBER($second, maximumFractionDigits: 0) } 毫秒
drawing-now = 正在绘制…
ways = 遮住哪些小方块
way-random = 随机
way-random-about = 每个小方块被遮住的机会相同
way-block = 大块
way-block-about = 遮住整块矩形
way-grid = 网格
way-grid-about = 按规则的图案遮住
way-by-hand = 手动
way-by-hand-about = 在照片上涂出要遮住的部分
other-patches = 换一批遮住
paint-hint = 在大图上涂抹，碰到的小方块会被遮住或重新露出。也可用方向键和回车键。
show-all = 全部露出
hide-all = 全部遮住
compare = 与另一种遮法比较
keep-seen = 露出的部分保留原照片
save-picture = 图片（PNG）
save-picture-about = 照片、露出的部分和画出的结果并排
save-animation = 动图（GIF）
save-animation-about = 从一点不遮到几乎全部遮住
the-photo = 照片
seen = 模型看到的
drawn = 模型画出的
seen-other-about = 另一种遮法下模型看到的
seen-other = 另一种遮法
drawn-other = 另一种遮法画出的
hidden = 遮住
hidden-share = { NUMBER($share, style: "percent", maximumFractionDigits: 0) }
hidden-count = { $hidden } / { $count } 个小方块 · { hidden-share }
drawing = 画出的
wipe = 照片与画出的结果各显示多少
wipe-share = 照片占 { NUMBER($share, style: "percent", maximumFractionDigits: 0) }
psnr = 像素接近度（PSNR）
psnr-about = 画出的部分与照片有多接近：15 dB 相差很远，20 dB 大致相似，30 dB 已很接近
decibels = { NUMBER($decibels, minimumFractionDigits: 1, maximumFractionDigits: 1) } dB
equal = 完全相同
ssim = 结构相似度（SSIM）
ssim-about = 整幅画面保留了多少照片的边缘和纹理：1 表示完全保留
similarity = { NUMBER($similarity, minimumFractionDigits: 2, maximumFractionDigits: 2) }
patch-keys = 小方块：方向键移动，回车键遮住或露出，按住 Shift 加方向键可连续操作
patch-hidden = 第 { $row } 行第 { $column } 列：已遮住
patch-seen = 第 { $row } 行第 { $column } 列：已露出
features = 模型怎样理解每个小方块
features-about = 模型用几百个数字来描述每个小方块；这里把它们显示为颜色，颜色相近的小方块在模型眼里也相似。指向一个小方块，会点亮与它相似的其他小方块。学会识别物体之前，位置和纹理决定是否相似；学会之后，看的是它属于哪种东西。
features-before = 之前：只学过画图
features-before-about = 模型学会识别物体之前的理解；方向键选择小方块，Esc 键恢复颜色
features-after = 之后：学会了识别物体
features-after-about = 模型学会识别物体之后的理解；方向键选择小方块，Esc 键恢复颜色

## 无法使用的照片及原因

photo-empty = { $name } 是空文件，请换一张照片。
photo-unknown = { $name } 不是可识别的照片格式。请使用 JPEG、PNG、WebP、GIF、BMP 或 TIFF。
photo-foreign = { $name } 的格式无法读取，请导出为 JPEG 或 PNG。（详情：{ $content }）
photo-too-large = { $name } 太大：共 { $megapixels } 百万像素，最多 { $most } 百万像素。请缩小后重试。
photo-no-room = 浏览器内存不足，无法打开 { $name }。请关闭其他标签页，或缩小照片后重试。
photo-cut-off = { $name } 不完整，后面部分缺失。请重新复制或下载。
photo-unsupported = { $name } 是无法读取的 { $format } 文件，请导出为 JPEG 或 PNG。（详情：{ $reason }）
photo-damaged = { $name } 已损坏，请重新导出或下载。（详情：{ $reason }）
photo-failed = 无法读取 { $name }，请导出为 JPEG 或 PNG。（详情：{ $reason }）
photo-file-too-large = { $name } 超过 256 MB，请选择小一些的文件。
photo-gone = 无法读取 { $name }。请确认文件还在，然后重新选择。
photo-crashed = 模型在处理这张照片时意外停止。
photo-unusable = 这张照片无法使用。
backdrop-unusable = 背景照片无法使用，请换一张。（详情：{ $reason }）
backdrop-gone = 无法读取背景照片，请重新选择。
note-no-end = 这个 JPEG 文件缺少结束标记。如果文件不完整，会缺少一些细节。
note-colours = 无法使用照片的颜色配置文件，颜色可能有偏差。（详情：{ $reason }）
note-forgotten = 无法读取这张照片之前保存的结果，已重新识别。
drop-failed = 无法读取拖入的内容，请改用“选择照片”。（详情：{ $reason }）
no-photo-there = 其中没有照片。请复制照片或图片地址后粘贴到这里，或拖入文件。
image-refused = 该网站不允许读取这张图片。请复制图片本身并粘贴到这里，或保存后再选择。
sample-failed = 无法获取示例照片。请检查网络，或选择自己的照片。
measure-failed = 无法获取示例照片。请检查网络后重试。
shared-missing = 没有收到分享的照片。请重新分享，或在这里选择照片。
neither-photos-nor-model = { $name } 中既没有照片，也没有模型。请选择照片，或包含 config.json 和 model.safetensors 的文件夹。
many-models = 有 { $count } 个模型文件，却缺少说明如何组合它们的 { $index }。请只打开其中一个。
left-out-too-large = 已跳过 { $count } 个超过 256 MB 的文件（{ $names }）。
left-out-no-photos = 已跳过 { $count } 个不是照片的文件（{ $names }）。

## 为下次打开而保存的内容

kept-elsewhere = 此页面已在别处打开，之后的更改会保存在那里。
no-room-to-keep = 浏览器空间不足，无法保存照片。离开前请先保存需要的内容。
earlier-unreadable = 无法读取上次留下的内容，已跳过。
earlier-missing = 上次的 { $count } 张照片无法恢复。

## 对点击和编辑的回应

click-first = 请先点击一个物体，然后才能从中减去一处。
still-answering = 上一次点击还在处理中，请稍后再试。
nothing-changed = 没有任何变化。
no-other-mask = 此处没有其他结果了。
no-object-here = 此处没有能与周围区分开的物体。

## 正在生成的文件

making = 正在生成文件…
making-of-photos = 正在生成文件：第 { $at } 张照片，共 { $count } 张…
saved = 已保存为 { $name }。
left-out = 未包含：
copied = 已复制，可以粘贴到任何地方。
shared = 已分享。
not-copied = 浏览器未能复制文件，请改为保存。（详情：{ $reason }）
not-shared = 浏览器未能分享文件，请改为保存。（详情：{ $reason }）
file-no-pixels = 这些物体都是空的。请先画出来，或选择其他物体。
file-no-backdrop = 还没有选择背景照片。请选择一张，或改用纯色。
file-too-large = WebP 图片每边最多 { $most } 像素，这张图片超出了。请保存为 PNG。
file-failed = 无法生成文件，请重试。（详情：{ $reason }）
file-failed-of = { $name }（详情：{ $reason }）。
file-unknown = { $name }（请先打开它，以便识别物体）。

## 无法使用的模型及原因

no-model-name = “{ $name }”不是模型名称。名称形如 owner/name 或 owner/name@revision。
no-model-name-so-ours = { no-model-name }已改用页面自带的模型。
model-incomplete = { $place } 中没有 { $file }。请检查名称，或重新导出模型。
model-locked = 需要先获得作者同意。请到 { $page } 接受许可协议并下载文件，然后在这里打开文件夹。
model-unknown = Hugging Face 上没有 { $place } 这个模型或版本，或者它未公开。请检查名称。
model-nowhere = Hugging Face 上没有 { $place } 这个模型，或者它未公开；本站也没有这个文件夹。请检查名称。
site-locked = { $place } 不允许此页面读取文件。请自行下载，然后在这里打开文件夹。
model-gone = 无法读取 { $place } 中的 { $file }。请确认文件还在，然后重新打开。（详情：{ $reason }）
model-unreachable = 无法从 { $place } 获取模型。请检查网络后重试，或自行下载文件，然后在这里打开文件夹。（详情：{ $reason }）
model-damaged = 模型文件 { $file } 已损坏。请重试，或重新下载。
model-too-large = 这个模型太大，浏览器无法容纳。请选择小一些的模型。（详情：{ $reason }）
model-unusable = 这个模型无法使用，请换一个。（详情：{ $reason }）
only-encoder = { $title } 还没有学过识别物体，需要先微调。请用 mae-seg finetune --encoder { $weights } 训练，然后在这里打开结果。
no-decoder = { $title } 不会绘制。请选择能重画照片的模型，例如 facebook/vit-mae-base。

## 页面自身的问题

no-model-yet = 模型尚未加载，请稍后再试。
no-result-yet = 还没有结果，请先选择一张照片。
no-drawing-model = 绘制模型尚未加载，请重试。
computing-failed = 模型处理这张照片时出错，请重试。（详情：{ $reason }）
updated = 此页面已更新，请刷新后继续使用。
crashed = 模型意外停止，请重新启动。（详情：{ $reason }）
out-of-memory = 模型内存不足。请关闭其他标签页后重新启动模型，或选择较小的照片。
